# SPDX-License-Identifier: MIT
"""A search with a stopping rule, run against the table in virtual time: every epoch of every trial takes one unit."""
from __future__ import annotations

import heapq
import math
from typing import NamedTuple, Protocol

from grid import EPOCHS, Curves

BUDGET = 4000  # epochs, over all trials


class Job(NamedTuple):
    """A training to be begun, or to go on from the checkpoint of its epoch `start`."""

    trial: int
    config: tuple
    start: int = 0


class Entry(NamedTuple):
    """One epoch that was trained."""

    trial: int
    config: tuple
    step: int
    value: float


class Search(Protocol):
    """What is asked for trials and told of their epochs."""

    def begin(self) -> Job | None:
        """What a free worker is to train; nothing when the space is exhausted."""

    def report(self, trial: int, step: int, value: float) -> bool:
        """Take a finite value; whether the trial is to stop."""

    def end(self, trial: int, how: str) -> None:
        """Take the end of a trial: `stopped`, `completed` (after the last epoch) or `failed` (NaN)."""


def run(search: Search, curves: Curves, workers: int, budget: int = BUDGET) -> list[Entry]:
    """The trace: an entry for each epoch in the order of virtual time; of those that end at once, the older trial's
    is first, and what it frees is begun before the next ends."""
    trace: list[Entry] = []
    running: list[tuple[int, int, Job, int]] = []
    begun = 0

    def fill(now: int) -> None:
        nonlocal begun
        while len(running) < workers and (job := search.begin()):
            heapq.heappush(running, (now + 1, begun, job, job.start + 1))
            begun += 1

    fill(0)
    while running and len(trace) < budget:
        now, number, job, step = heapq.heappop(running)
        value = float(curves.losses[job.config][step - 1])
        trace.append(Entry(job.trial, job.config, step, value))
        if not math.isfinite(value):
            search.end(job.trial, "failed")
        elif search.report(job.trial, step, value):
            search.end(job.trial, "stopped")
        elif step == EPOCHS:
            search.end(job.trial, "completed")
        else:
            heapq.heappush(running, (now + 1, number, job, step + 1))
            continue
        fill(now)
    return trace
