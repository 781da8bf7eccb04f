# SPDX-License-Identifier: MIT
"""The peers: Optuna's samplers with its pruners, and with the baseline that stops all trials at one epoch."""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import optuna
from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import TrialState

from grid import EPOCHS, LEVELS, SWEEP
from simulate import Job

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", module="optuna")

VERSIONS = {"optuna": optuna.__version__}
# `tpe` has categories, `tpe-int` the places of the levels as integers: so TPE knows their order too.
SAMPLERS: dict[str, type] = {"random": RandomSampler, "tpe": TPESampler, "tpe-int": TPESampler}
PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "none": NopPruner,
    "median": MedianPruner,
    "halving": SuccessiveHalvingPruner,
    "halving-1-3": lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3),
}
STOPS = (1, 2, 5, 10)
EVERY = 30
RULES = [*PRUNERS, *(f"epoch-{stop}" for stop in STOPS)]


class Study:
    """An Optuna study whose suggestions are rows of the table."""

    def __init__(self, sampler: str, seed: int, pruner: optuna.pruners.BasePruner) -> None:
        # Hyperband's brackets depend on the study's name.
        self.study = optuna.create_study(
            study_name=f"stopping-{seed}", sampler=SAMPLERS[sampler](seed=seed), pruner=pruner)
        self.knows_order = sampler.endswith("-int")

    def ask(self) -> tuple[optuna.Trial, tuple]:
        """The next trial and its configuration."""
        trial = self.study.ask()
        return trial, tuple(self._suggest(trial, name, levels) for name, levels in LEVELS.items())

    def _suggest(self, trial: optuna.Trial, name: str, levels: list) -> object:
        if self.knows_order and SWEEP["parameters"][name].get("ordinal"):
            return levels[trial.suggest_int(name, 0, len(levels) - 1)]
        return trial.suggest_categorical(name, levels)


class Pruned(Study):
    """As a user's objective does it: report, ask `should_prune` after each epoch, return the last value."""

    def __init__(self, sampler: str, rule: str, seed: int) -> None:
        super().__init__(sampler, seed, PRUNERS[rule]())
        self.trials: dict[int, optuna.Trial] = {}
        self.values: dict[int, float] = {}

    def begin(self) -> Job:
        trial, config = self.ask()
        self.trials[trial.number] = trial
        return Job(trial.number, config)

    def report(self, trial: int, step: int, value: float) -> bool:
        self.values[trial] = value
        self.trials[trial].report(value, step)
        return self.trials[trial].should_prune()

    def end(self, trial: int, how: str) -> None:
        running, value = self.trials.pop(trial), self.values.pop(trial, None)
        if how == "completed":
            self.study.tell(running, value)
        else:
            self.study.tell(running, state=TrialState.PRUNED if how == "stopped" else TrialState.FAIL)


class FixedEpoch(Study):
    """Every trial stops at one epoch, which is its value to the sampler; after every `every`-th of them the best of
    those that stopped goes on from its checkpoint to the last epoch, no configuration twice."""

    def __init__(self, sampler: str, stop: int, seed: int, every: int = EVERY) -> None:
        super().__init__(sampler, seed, NopPruner())
        self.stop, self.every = stop, every
        self.trials: dict[int, optuna.Trial] = {}
        self.configs: dict[int, tuple] = {}
        self.stopped: dict[tuple, tuple[float, int]] = {}  # the best of each configuration that has not gone on
        self.continued: set[tuple] = set()
        self.ended = self.continuations = 0

    def begin(self) -> Job:
        if self.stopped and self.continuations < self.ended // self.every:
            config, (_, trial) = min(self.stopped.items(), key=lambda item: item[1])
            del self.stopped[config]
            self.continued.add(config)
            self.continuations += 1
            return Job(trial, config, self.stop)
        trial, config = self.ask()
        self.trials[trial.number], self.configs[trial.number] = trial, config
        return Job(trial.number, config)

    def report(self, trial: int, step: int, value: float) -> bool:
        if step != self.stop or trial not in self.trials:
            return False
        self.study.tell(self.trials.pop(trial), value)
        self.ended += 1
        config = self.configs[trial]
        if config not in self.continued:
            self.stopped[config] = min((value, trial), self.stopped.get(config, (math.inf, trial)))
        return True

    def end(self, trial: int, how: str) -> None:
        if how == "failed" and trial in self.trials:
            self.study.tell(self.trials.pop(trial), state=TrialState.FAIL)
            self.ended += 1


def peer(sampler: str, rule: str, seed: int) -> Pruned | FixedEpoch:
    """A new search of this name."""
    if rule in PRUNERS:
        return Pruned(sampler, rule, seed)
    return FixedEpoch(sampler, int(rule.removeprefix("epoch-")), seed)
