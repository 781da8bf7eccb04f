# SPDX-License-Identifier: MIT
"""Time from a tell to parameters that have seen it, beside Optuna's GPSampler, interleaved; see README.md."""
from __future__ import annotations

import argparse
import os
import statistics
import time

# Before numpy and torch are loaded: one thread on both sides.
from drive import ROOT, THREADS, Child, sweepd_command

os.environ.update(THREADS)

import numpy as np  # noqa: E402
import optuna  # noqa: E402

from problems import random  # noqa: E402
from spaces import real  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)
QUICK = os.environ.get("QUICK") == "1"
DIMENSIONS = 10
SPACE = [real(f"x{i}", 0.0, 1.0) for i in range(DIMENSIONS)]


REFIT = 1.05  # sweepd fits anew when there are so many times as many results


class Objective:
    """A smooth function with slight noise: a bowl along some directions and a slow wave along others."""

    def __init__(self, seed: int) -> None:
        self.rng = random("latency", seed)
        self.centre, self.weights = self.rng.uniform(0.2, 0.8, DIMENSIONS), self.rng.uniform(0.1, 2.0, DIMENSIONS)

    def value(self, params: dict) -> float:
        x = np.array([params[f"x{i}"] for i in range(DIMENSIONS)]) - self.centre
        return float(self.weights @ x**2 + 0.3 * np.sin(3 * x.sum()) + 0.01 * self.rng.standard_normal())

    def observations(self, count: int) -> list[tuple[dict, float]]:
        points = self.rng.uniform(size=(count, DIMENSIONS)).tolist()
        configurations = [{f"x{i}": value for i, value in enumerate(point)} for point in points]
        return [(params, self.value(params)) for params in configurations]


class Sweepd:
    """Through the pipe, JSON included."""

    def __init__(self, binary: str, seed: int) -> None:
        self.child = Child(sweepd_command(binary))
        self.child.call(op="init", space=SPACE, seed=seed, direction="minimize")

    def load(self, observations: list[tuple[dict, float]]) -> None:
        self.child.call(op="load", trials=[{"params": params, "value": value} for params, value in observations])

    def ask(self) -> dict:
        trial = self.child.call(op="ask", n=1)["trials"][0]
        self.trial = trial["id"]
        return trial["params"]

    def tell(self, value: float) -> None:
        self.child.call(op="tell", id=self.trial, value=value)


class GpSampler:
    """In this process, in memory, as a user calls it."""

    def __init__(self, seed: int, observations: list[tuple[dict, float]]) -> None:
        self.study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=seed))
        distributions = {entry["name"]: optuna.distributions.FloatDistribution(0.0, 1.0) for entry in SPACE}
        self.study.add_trials([optuna.trial.create_trial(params=params, distributions=distributions, value=value)
                               for params, value in observations])

    def ask(self) -> dict:
        self.trial = self.study.ask()
        return {entry["name"]: self.trial.suggest_float(entry["name"], 0.0, 1.0) for entry in SPACE}

    def tell(self, value: float) -> None:
        self.study.tell(self.trial, value)


def measure(binary: str, size: int, suggestions: int, seed: int) -> tuple[list[float], list[float]]:
    objective = Objective(seed)
    observations = objective.observations(size)
    # The suggestions measured hold a refit in their middle: the fit before it is made with as many results less.
    fitted = min(size, round((size + suggestions / 2) / REFIT))
    ours = Sweepd(binary, seed)
    ours.load(observations[:fitted])
    ours.tell(objective.value(ours.ask()))
    ours.load(observations[fitted:])
    sides = [ours, GpSampler(seed, observations)]
    # The first suggestion is not taken: it pays once for what came with the load.
    proposals = [side.ask() for side in sides]
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(suggestions):
        for i, side in enumerate(sides):
            value = objective.value(proposals[i])
            start = time.perf_counter()
            side.tell(value)
            proposals[i] = side.ask()
            seconds[i].append(time.perf_counter() - start)
    ours.child.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd")))
    parser.add_argument("--sizes", default="100,500,1000" if QUICK else "100,500,1000,2000")
    parser.add_argument("--suggestions", type=int, default=10 if QUICK else 30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"Suggestion latency, {DIMENSIONS} dimensions, {arguments.suggestions} suggestions a size, milliseconds:\n")
    print(f"{'observations':>12} {'':>10} {'median':>9} {'p95':>9} {'max':>9}")
    figures = []
    for size in map(int, arguments.sizes.split(",")):
        medians = []
        for name, seconds in zip(("sweepd", "gp"), measure(arguments.binary, size, arguments.suggestions,
                                                            arguments.seed)):
            ms = [1000 * second for second in seconds]
            medians.append(statistics.median(ms))
            tail = float(np.percentile(ms, 95))
            print(f"{size:>12} {name:>10} {medians[-1]:>9.1f} {tail:>9.1f} {max(ms):>9.1f}", flush=True)
            figures += [f"{name}_ms_{size}={medians[-1]:.1f}", f"{name}_p95_ms_{size}={tail:.1f}",
                        f"{name}_max_ms_{size}={max(ms):.1f}"]
        print(f"{'':>12} {'ratio':>10} {medians[1] / medians[0]:>9.1f}\n", flush=True)
        figures.append(f"ratio_{size}={medians[1] / medians[0]:.1f}")
    print("result: " + " ".join(figures))


if __name__ == "__main__":
    main()
