# SPDX-License-Identifier: MIT
"""Optuna's TPE and GPSampler with their defaults, asked and told as a user's code does it."""
from __future__ import annotations

import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", module="optuna")


def suggest(trial: optuna.Trial, entry: dict) -> object:
    if entry["type"] == "float":
        return trial.suggest_float(entry["name"], entry["low"], entry["high"], log=entry.get("log", False))
    if entry["type"] == "int":
        return trial.suggest_int(entry["name"], entry["low"], entry["high"], step=entry.get("step", 1),
                                 log=entry.get("log", False))
    return trial.suggest_categorical(entry["name"], entry["choices"])


class Optuna:
    """Conditions are `if`s between the suggestions; trials that run are pending to the sampler by themselves."""

    def __init__(self, space: list[dict], sampler: optuna.samplers.BaseSampler) -> None:
        self.space, self.study, self.trials = space, optuna.create_study(sampler=sampler), {}

    @staticmethod
    def versions() -> dict:
        return {"optuna": optuna.__version__}

    def ask(self, trial: int) -> dict:
        self.trials[trial] = self.study.ask()
        params = {}
        for entry in self.space:
            condition = entry.get("condition")
            if condition is None or params.get(condition["param"]) in condition["in"]:
                params[entry["name"]] = suggest(self.trials[trial], entry)
        return params

    def tell(self, trial: int, value: float | None) -> None:
        running = self.trials.pop(trial)
        if value is None:
            self.study.tell(running, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(running, value)


class Tpe(Optuna):
    def __init__(self, space: list[dict], seed: int) -> None:
        super().__init__(space, optuna.samplers.TPESampler(seed=seed))


class Gp(Optuna):
    def __init__(self, space: list[dict], seed: int) -> None:
        super().__init__(space, optuna.samplers.GPSampler(seed=seed))

    @staticmethod
    def versions() -> dict:
        import torch
        return {"optuna": optuna.__version__, "torch": torch.__version__}
