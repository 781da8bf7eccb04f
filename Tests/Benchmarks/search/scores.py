# SPDX-License-Identifier: MIT
"""From runs to figures: final values, regret, ranks, intervals and tests. Nothing here prints or reads files."""
from __future__ import annotations

import math

import numpy as np
from scipy.stats import rankdata, wilcoxon

from problems import PROBLEMS
from results import Key

Runs = dict[str, dict[Key, dict]]
ANCHOR = "random"
WORST_REGRET = 2.0
RESAMPLES = 2000
TINY = 1e-12  # where random search finds the optimum


def final(run: dict) -> float:
    """The noise-free value of the incumbent at the end; infinite where every evaluation failed."""
    return run["incumbents"][-1][1] if run["incumbents"] else math.inf


class Regrets:
    """Normalised regret: 0 is the optimum, 1 the median of random search in the same setting; at most WORST_REGRET."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.best_seen: dict[tuple[str, int], float] = {}
        for by_key in runs.values():
            for (problem, _, seed), run in by_key.items():
                low = min((value for _, value in run["incumbents"]), default=math.inf)
                self.best_seen[problem, seed] = min(low, self.best_seen.get((problem, seed), math.inf))
        anchor = runs.get(ANCHOR, {})
        self.scale = {
            (problem, setting): max(TINY, float(np.median([
                final(run) - self.optimum(problem, seed) for (p, s, seed), run in anchor.items()
                if (p, s) == (problem, setting)])))
            for problem, setting in {key[:2] for key in anchor}}

    def optimum(self, problem: str, seed: int) -> float:
        known = PROBLEMS[problem].optimum
        return self.best_seen[problem, seed] if known is None else known

    def of(self, optimiser: str, key: Key) -> float:
        problem, setting, seed = key
        regret = final(self.runs[optimiser][key]) - self.optimum(problem, seed)
        return min(max(regret / self.scale[problem, setting], 0.0), WORST_REGRET)


def common(runs: Runs, optimisers: list[str], setting: str) -> list[Key]:
    """The blocks that all of these optimisers have, and the anchor of regret with them."""
    keys = set.intersection(*(set(runs.get(name, {})) for name in [*optimisers, ANCHOR]))
    return sorted(key for key in keys if key[1] == setting)


def ranks(runs: Runs, optimisers: list[str], blocks: list[Key]) -> np.ndarray:
    """Blocks by optimisers, 1 is best, ties averaged."""
    return np.array([rankdata([final(runs[name][key]) for name in optimisers]) for key in blocks])


def balanced_mean(values: np.ndarray, problems: list[str]) -> np.ndarray:
    """The mean over problems of the mean over seeds, so that a problem with a seed less counts no less."""
    names = np.array(problems)
    return np.mean([values[names == name].mean(axis=0) for name in sorted(set(problems))], axis=0)


def with_interval(values: np.ndarray, problems: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % percentile bootstrap interval of every column, seeds resampled within each problem."""
    names = np.array(problems)
    rng = np.random.default_rng(0)
    total = np.zeros((RESAMPLES, values.shape[1]))
    groups = [values[names == name] for name in sorted(set(problems))]
    for group in groups:
        picks = rng.integers(len(group), size=(RESAMPLES, len(group)))
        total += group[picks].mean(axis=1)
    low, high = np.percentile(total / len(groups), [2.5, 97.5], axis=0)
    return balanced_mean(values, problems), low, high


def signed_rank(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The two-sided p value of Wilcoxon's test on paired regrets; 1 where nothing differs."""
    if len(ours) == 0 or np.all(ours == theirs):
        return 1.0
    return float(wilcoxon(ours, theirs).pvalue)


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down correction."""
    order = np.argsort(p_values)
    corrected, highest = [1.0] * len(p_values), 0.0
    for position, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - position)))
        corrected[index] = highest
    return corrected
