# SPDX-License-Identifier: MIT
"""HEBO with its defaults. It knows neither pending trials, nor failures, nor conditions; see README.md for each."""
from __future__ import annotations

import importlib.metadata
import random
import warnings

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

import pymoo_speed
from spaces import active

warnings.filterwarnings("ignore")
pymoo_speed.install()


def parameter(entry: dict) -> dict:
    name = entry["name"]
    if entry["type"] == "categorical":
        # By number: HEBO turns categories into one array, which would make strings of mixed types.
        return {"name": name, "type": "cat", "categories": list(range(len(entry["choices"])))}
    kind = {("float", False): "num", ("float", True): "pow", ("int", False): "int",
            ("int", True): "pow_int"}[entry["type"], entry.get("log", False)]
    bounds = {"name": name, "type": kind, "lb": entry["low"], "ub": entry["high"]}
    return {**bounds, "type": "step_int", "step": entry["step"]} if "step" in entry else bounds


class Hebo:
    def __init__(self, space: list[dict], seed: int) -> None:
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.space = space
        self.optimizer = HEBO(DesignSpace().parse([parameter(entry) for entry in space]), scramble_seed=seed)
        self.pending: dict[int, pd.DataFrame] = {}
        self.told: list[tuple[pd.DataFrame, float | None]] = []

    @staticmethod
    def versions() -> dict:
        return {package: importlib.metadata.version(package) for package in ("HEBO", "pymoo", "torch", "numpy")}

    def ask(self, trial: int) -> dict:
        self.observe()
        row = self.optimizer.suggest(n_suggestions=1)
        self.pending[trial] = row
        flat = {}
        for entry in self.space:
            value = row[entry["name"]].iloc[0]
            if entry["type"] == "categorical":
                flat[entry["name"]] = entry["choices"][int(value)]
            elif entry["type"] == "int":
                flat[entry["name"]] = int(value)
            else:
                # HEBO computes in single precision, which can end a little outside of the bounds.
                flat[entry["name"]] = min(max(float(value), entry["low"]), entry["high"])
        return active(self.space, flat)

    def tell(self, trial: int, value: float | None) -> None:
        self.told.append((self.pending.pop(trial), value))

    def observe(self) -> None:
        """Set what HEBO has observed: real values, and the worst of them for failures."""
        values = [value for _, value in self.told if value is not None]
        if not values:
            return
        worst = max(values)
        observed = [worst if value is None else value for _, value in self.told]
        self.optimizer.X = pd.DataFrame(columns=self.optimizer.space.para_names)
        self.optimizer.y = np.zeros((0, 1))
        self.optimizer.observe(pd.concat([row for row, _ in self.told], ignore_index=True),
                               np.array(observed).reshape(-1, 1))
