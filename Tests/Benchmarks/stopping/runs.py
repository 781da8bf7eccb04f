# SPDX-License-Identifier: MIT
"""Runs as JSON lines: append-only, sound after any kill. A run taken on another table is ignored."""
from __future__ import annotations

import fcntl
import hashlib
import json
import pathlib
import sys
from collections.abc import Callable
from typing import NamedTuple

from grid import HERE, SEEDS, TABLE_FILE
from scoring import Changes, incumbents
from simulate import Entry

# What the search benchmark has already: child processes, tests. Its modules of other names are not used here.
sys.path.append(str(HERE.parent / "search"))
from drive import CACHE, ROOT, THREADS, Child, numbers  # noqa: E402, F401
from scores import holm, signed_rank  # noqa: E402, F401

COMMITTED = HERE / "results"
RUN_VERSION = 1  # raised when a run of the same name means something else


class Key(NamedTuple):
    """What was run: how it samples, how it stops, how many trials at once, and the seed."""

    sampler: str
    rule: str
    workers: int
    seed: int

    @property
    def training_seed(self) -> int:
        return SEEDS[self.seed % len(SEEDS)]

    @property
    def method(self) -> str:
        return f"{self.sampler}/{self.rule}"


def table_digest() -> str:
    return hashlib.sha256(TABLE_FILE.read_bytes()).hexdigest()[:12]


def read(path: pathlib.Path, wanted: Callable[[dict], bool] = lambda run: True) -> dict[Key, Changes]:
    """The runs in a file, the first of each; the last line may be torn."""
    found: dict[Key, Changes] = {}
    digest = table_digest()
    for line in path.read_text().split("\n") if path.exists() else []:
        try:
            run = json.loads(line)
        except ValueError:
            continue
        if run["table"] == digest and run["version"] == RUN_VERSION and wanted(run):
            found.setdefault(Key(*(run[name] for name in Key._fields)), run["incumbents"])
    return found


def append(path: pathlib.Path, key: Key, versions: dict, trace: list[Entry]) -> None:
    """A line for the run: what it was, and what its figures are made of."""
    run = {**key._asdict(), **versions, "table": table_digest(), "version": RUN_VERSION, "epochs": len(trace),
           "trials": len({entry.trial for entry in trace}), "incumbents": incumbents(trace)}
    path.parent.mkdir(exist_ok=True)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        line = json.dumps(run, separators=(",", ":")) + "\n"
        # A killed process may have left half a line: ours begins on a line of its own.
        if file.seek(0, 2) > 0:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                line = "\n" + line
        file.write(line.encode())
