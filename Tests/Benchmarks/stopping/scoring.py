# SPDX-License-Identifier: MIT
"""From traces to figures: incumbents, regret, epochs to the target. Nothing here prints or reads files."""
from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from grid import CONFIGURATIONS, Curves
from simulate import BUDGET, Entry

BUDGETS = (500, 1000, 2000, 4000)
TARGET = 1.1  # times the table's best
RESAMPLES = 2000
Changes = list[list]  # [[epochs consumed, the place of the incumbent's configuration in the grid], …]


def incumbents(trace: Iterable[Entry]) -> Changes:
    """When the incumbent's configuration changes. The incumbent is the trial with the lowest value so far."""
    best, changes = math.inf, []
    for consumed, entry in enumerate(trace, 1):
        if entry.value < best:
            best = entry.value
            place = CONFIGURATIONS.index(entry.config)
            if not changes or changes[-1][1] != place:
                changes.append([consumed, place])
    return changes


class Score:
    """The figures of one run. An incumbent's final loss is the table's, whether or not it was trained so far."""

    def __init__(self, changes: Changes, curves: Curves) -> None:
        self.curves = curves
        self.changes = [(consumed, curves.finals[CONFIGURATIONS[place]]) for consumed, place in changes]

    def regret(self, budget: int) -> float:
        """The incumbent's final loss above the table's lowest; the worst there is while there is no incumbent."""
        known = [final for consumed, final in self.changes if consumed <= budget]
        return min(known[-1] if known else math.inf, self.curves.worst) - self.curves.best

    def reached(self) -> float:
        """Epochs until the incumbent's final loss is near the lowest for the first time; infinite: never."""
        return next((consumed for consumed, final in self.changes if self._is_near(final)), math.inf)

    def settled(self) -> float:
        """Epochs until it is near the lowest and stays there to the end."""
        since = math.inf
        for consumed, final in self.changes:
            since = min(since, consumed) if self._is_near(final) else math.inf
        return since

    def _is_near(self, final: float) -> bool:
        return final <= TARGET * self.curves.best


def censored(epochs: Iterable[float]) -> np.ndarray:
    """A seed that never reaches the target counts as the whole budget."""
    return np.minimum(np.array(list(epochs), dtype=float), BUDGET)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % percentile bootstrap interval over seeds."""
    picks = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def ratio_interval(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """The ratio of the means and its interval, seeds resampled in pairs."""
    picks = np.random.default_rng(0).integers(len(ours), size=(RESAMPLES, len(ours)))
    low, high = np.percentile(ours[picks].mean(axis=1) / theirs[picks].mean(axis=1), [2.5, 97.5])
    return float(ours.mean() / theirs.mean()), float(low), float(high)
