# SPDX-License-Identifier: MIT
"""All problems by name, and the randomness that every optimiser shares for the same problem and seed."""
from __future__ import annotations

import zlib

import numpy as np

from functions import FUNCTIONS
from models import MODELS

PROBLEMS = {**FUNCTIONS, **MODELS}


def random(*key: str | int) -> np.random.Generator:
    """A generator that depends on nothing but the key."""
    return np.random.default_rng([zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key])


class Instance:
    """A problem as one seed sees it."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.seed = name, seed
        self.problem = PROBLEMS[name](random(name, "instance", seed))
        self.space = self.problem.space

    def evaluate(self, number: int, params: dict) -> tuple[float | None, float | None]:
        """What evaluation `number` observes, and what the configuration is worth without noise; None where it fails."""
        truth = self.problem.truth(params)
        if truth is None or not self.problem.noise:
            return truth, truth
        return truth + self.problem.noise * random(self.name, "noise", self.seed, number).standard_normal(), truth
