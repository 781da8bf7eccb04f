# SPDX-License-Identifier: MIT
"""The grid of configurations, as digits.yaml declares it, and the table of their recorded curves."""
from __future__ import annotations

import csv
import itertools
import pathlib

import numpy as np
import yaml

HERE = pathlib.Path(__file__).resolve().parent
SWEEP_FILE = HERE / "digits.yaml"
TABLE_FILE = HERE / "curves.csv"
EPOCHS = 50
SEEDS = (0, 1)  # of the trainings
METRIC = "val_loss"

SWEEP = yaml.safe_load(SWEEP_FILE.read_text())
LEVELS: dict[str, list] = {name: entry["values"] for name, entry in SWEEP["parameters"].items()}
NAMES = list(LEVELS)
CONFIGURATIONS: list[tuple] = list(itertools.product(*LEVELS.values()))


def configuration(params: dict) -> tuple:
    """The row's name for a proposal's values, exactly those of the file: 64.0 is 64."""
    found = []
    for name, levels in LEVELS.items():
        matching = [level for level in levels if level == params[name]]
        if not matching:
            raise ValueError(f"{name}={params[name]!r} is not in the grid")
        found.append(matching[0])
    return tuple(found)


class Curves:
    """All curves of one training seed, and what each configuration comes to.

    That is its loss after the last epoch (`last`) or the lowest of all epochs (`best`).
    """

    def __init__(self, losses: dict[tuple, np.ndarray], final: str = "last") -> None:
        self.losses = losses  # by epoch, from 1 at place 0; NaN where diverged
        came_to = {config: curve[-1] if final == "last" else np.nanmin([*curve, np.inf])
                   for config, curve in losses.items()}
        self.finals = {config: float(loss) if np.isfinite(loss) else float("inf") for config, loss in came_to.items()}
        self.best = min(self.finals.values())
        self.worst = max(loss for loss in self.finals.values() if np.isfinite(loss))


def read_table(final: str = "last", path: pathlib.Path = TABLE_FILE) -> dict[int, Curves]:
    """The table by training seed; every configuration of the grid has every epoch."""
    index = {tuple(map(str, config)): config for config in CONFIGURATIONS}
    losses = {seed: {config: np.full(EPOCHS, np.nan) for config in CONFIGURATIONS} for seed in SEEDS}
    rows = 0
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            config = index[tuple(row[name] for name in NAMES)]
            losses[int(row["seed"])][config][int(row["step"]) - 1] = float(row[METRIC])
            rows += 1
    expected = len(CONFIGURATIONS) * len(SEEDS) * EPOCHS
    if rows != expected:
        raise ValueError(f"{path.name} has {rows} rows, not {expected}")
    return {seed: Curves(by_config, final) for seed, by_config in losses.items()}
