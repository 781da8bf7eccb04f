# SPDX-License-Identifier: MIT
"""Problems whose optimum is known: functions of a seeded instance, with the optimum off the centre and the corners."""
from __future__ import annotations

import math

import numpy as np

from spaces import choice, from_unit, integer, real, to_unit


class Function:
    """A problem with a known optimum. `truth` is what a configuration is worth; None is a failed evaluation."""

    optimum = 0.0
    noise = 0.0
    version = 1
    seeded_optimum = False

    def __init__(self, rng: np.random.Generator) -> None:
        """`rng` is keyed by problem and seed: one instance a seed, the same for every optimiser."""

    def truth(self, params: dict) -> float | None:
        raise NotImplementedError


class Branin(Function):
    family = "smooth"
    space = [real("x", -5.0, 10.0), real("y", 0.0, 15.0)]
    optimum = 0.39788735772973816

    def truth(self, params: dict) -> float:
        x, y = params["x"], params["y"]
        bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
        return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


class Hartmann6(Function):
    family = "smooth"
    space = [real(f"x{i}", 0.0, 1.0) for i in range(6)]
    optimum = -3.322368011391339
    weights = np.array([1.0, 1.2, 3.0, 3.2])
    widths = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
                       [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    centres = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                               [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])

    def truth(self, params: dict) -> float:
        x = np.array([params[f"x{i}"] for i in range(6)])
        return float(-self.weights @ np.exp(-(self.widths * (x - self.centres) ** 2).sum(axis=1)))


class Ackley5(Function):
    """Many shallow valleys around one deep one, which is elsewhere for every seed."""

    family = "smooth"
    space = [real(f"x{i}", -10.0, 10.0) for i in range(5)]

    def __init__(self, rng: np.random.Generator) -> None:
        self.centre = rng.uniform(2.0, 7.0, 5) * rng.choice([-1.0, 1.0], 5)

    def truth(self, params: dict) -> float:
        x = np.array([params[f"x{i}"] for i in range(5)]) - self.centre
        far = -20 * math.exp(-0.2 * math.sqrt((x**2).mean()))
        return far - math.exp(np.cos(2 * math.pi * x).mean()) + 20 + math.e


class Rosenbrock5(Function):
    """A long bent valley; the values span five orders of magnitude."""

    family = "smooth"
    space = [real(f"x{i}", -2.5, 2.5) for i in range(5)]

    def __init__(self, rng: np.random.Generator) -> None:
        self.shift = rng.uniform(-0.6, 0.6, 5)

    def truth(self, params: dict) -> float:
        x = np.array([params[f"x{i}"] for i in range(5)]) + self.shift
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


class Cliff4(Function):
    """A training loss that falls with the step size until it diverges: noisy, and failing not far from the optimum."""

    family = "noisy"
    space = [real("lr", 1e-5, 1.0, log=True), real("momentum", 0.0, 0.99), real("decay", 1e-6, 1e-1, log=True),
             real("smoothing", 0.0, 0.5)]
    noise = 0.03
    optimum = 0.1

    def __init__(self, rng: np.random.Generator) -> None:
        self.momentum = rng.uniform(0.55, 0.9)
        self.step = rng.uniform(-2.6, -1.4)
        self.decay = rng.uniform(-4.6, -2.4)
        self.smoothing = rng.uniform(0.08, 0.25)

    def truth(self, params: dict) -> float | None:
        step = math.log10(params["lr"] / (1 - params["momentum"])) - self.step
        decay = math.log10(params["decay"]) - self.decay
        if step > 0.6 + 0.1 * decay:
            return None
        loss = 0.35 * step**2 / (1 + 0.3 * abs(step)) + 0.05 * decay**2
        loss += 0.8 * (params["momentum"] - self.momentum) ** 2 + 1.5 * (params["smoothing"] - self.smoothing) ** 2
        return self.optimum + loss


class Mixed7(Function):
    """Floats, log floats, integers and categories that change where the best floats are."""

    family = "mixed"
    space = [real("rate", 1e-4, 1.0, log=True), real("mix", 0.0, 1.0), integer("depth", 1, 20),
             integer("width", 8, 1024, log=True), integer("stride", 2, 16, step=2),
             choice("kernel", ["a", "b", "c", "d"]), choice("skip", [False, True])]

    def __init__(self, rng: np.random.Generator) -> None:
        self.offset = dict(zip("abcd", rng.permutation([0.0, 0.1, 0.25, 0.6])))
        self.skip = bool(rng.integers(2))
        self.best = {kernel: rng.uniform(0.15, 0.85, 5) for kernel in "abcd"}
        # The optimum of the best kernel lies on the grid of the integers, so that its value is known.
        top = min(self.offset, key=self.offset.get)
        for i, entry in enumerate(self.space[:5]):
            self.best[top][i] = to_unit(entry, from_unit(entry, self.best[top][i]))

    def truth(self, params: dict) -> float:
        kernel = params["kernel"]
        d = np.array([to_unit(entry, params[entry["name"]]) for entry in self.space[:5]]) - self.best[kernel]
        bowl = 3 * d[0] ** 2 + 2 * (d[1] + 0.5 * d[0]) ** 2 + d[2] ** 2 + 2 * (d[3] - 0.6 * d[2]) ** 2 + 0.5 * d[4] ** 2
        ripples = 0.05 * (1 - np.cos(7 * d)).sum()
        return float(self.offset[kernel] + 0.15 * (params["skip"] != self.skip) + bowl + ripples)


class Pipeline(Function):
    """A choice between three models with parameters of their own, one of them with a choice nested in it."""

    family = "conditional"
    space = [choice("model", ["linear", "trees", "net"]), real("subset", 0.1, 1.0),
             real("penalty", 1e-6, 1e2, log=True, when=("model", ["linear"])),
             real("shrinkage", 1e-3, 1.0, log=True, when=("model", ["trees"])),
             integer("leaves", 2, 256, log=True, when=("model", ["trees"])),
             real("lr", 1e-5, 1e-1, log=True, when=("model", ["net"])),
             integer("layers", 1, 6, when=("model", ["net"])),
             choice("solver", ["sgd", "adam"], when=("model", ["net"])),
             real("momentum", 0.0, 0.99, when=("solver", ["sgd"]))]

    def __init__(self, rng: np.random.Generator) -> None:
        self.floor = dict(zip(["linear", "trees", "net"], rng.permutation([0.0, 0.06, 0.2])))
        self.best = {e["name"]: rng.uniform(0.2, 0.8) for e in self.space if e["type"] != "categorical"}
        for entry in self.space:
            if entry["type"] == "int":
                self.best[entry["name"]] = to_unit(entry, from_unit(entry, self.best[entry["name"]]))
        self.solver = ["sgd", "adam"][rng.integers(2)]

    def truth(self, params: dict) -> float:
        d = {e["name"]: to_unit(e, params[e["name"]]) - self.best[e["name"]]
             for e in self.space if e["type"] != "categorical" and e["name"] in params}
        loss = self.floor[params["model"]] + 0.3 * d["subset"] ** 2
        if params["model"] == "linear":
            return loss + 1.5 * d["penalty"] ** 2
        if params["model"] == "trees":
            return loss + 2 * (d["shrinkage"] + 0.7 * d["leaves"]) ** 2 + 0.8 * d["leaves"] ** 2
        loss += 3 * d["lr"] ** 2 + 0.6 * d["layers"] ** 2 + 0.05 * (params["solver"] != self.solver)
        return loss + 0.5 * d.get("momentum", 0.0) ** 2


FUNCTIONS = {"branin": Branin, "hartmann6": Hartmann6, "ackley5": Ackley5, "rosenbrock5": Rosenbrock5,
             "cliff4": Cliff4, "mixed7": Mixed7, "pipeline": Pipeline}
