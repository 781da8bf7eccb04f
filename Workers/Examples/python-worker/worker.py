# SPDX-License-Identifier: MIT
"""A Python process that attaches itself: one process runs many trials, and its imports are paid for once."""

from __future__ import annotations

import math

import sweepd


def train(trial: sweepd.Trial) -> None:
    """Minimise a quadratic by gradient descent, and report the way down."""
    lr, target, w = trial.params.lr, trial.params.optimizer.target, 0.0
    for step in range(1, (trial.max_step or 20) + 1):
        w -= lr * 2 * (w - target)
        trial.report(step, loss=(w - target) ** 2 + 0.01 * math.fabs(w))


if __name__ == "__main__":
    print(f"ran {sweepd.worker(train, idle_timeout=30)} trials")
