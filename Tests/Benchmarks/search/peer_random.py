# SPDX-License-Identifier: MIT
"""Random search: the anchor that regret is measured by."""
from __future__ import annotations

import numpy as np

from spaces import active, from_unit


class Random:
    def __init__(self, space: list[dict], seed: int) -> None:
        self.space, self.rng = space, np.random.default_rng([seed, 77])

    @staticmethod
    def versions() -> dict:
        return {"random": "1"}

    def ask(self, trial: int) -> dict:
        flat = {}
        for entry in self.space:
            if entry["type"] == "categorical":
                flat[entry["name"]] = entry["choices"][int(self.rng.integers(len(entry["choices"])))]
            else:
                flat[entry["name"]] = from_unit(entry, self.rng.uniform())
        return active(self.space, flat)

    def tell(self, trial: int, value: float | None) -> None:
        pass
