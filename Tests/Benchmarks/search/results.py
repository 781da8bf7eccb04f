# SPDX-License-Identifier: MIT
"""Runs as JSON lines, one file per optimiser and version: append-only, shared by processes, sound after any kill."""
from __future__ import annotations

import fcntl
import json
import pathlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from drive import CACHE, EVALUATIONS, HERE
from problems import PROBLEMS

COMMITTED = HERE / "results"
Key = tuple[str, str, int]  # problem, setting, seed


def lines(path: pathlib.Path) -> Iterator[dict]:
    """The runs in a file, but for a torn line and what was taken on another version of a problem."""
    if not path.exists():
        return
    for line in path.read_text().split("\n"):
        try:
            run = json.loads(line)
        except ValueError:
            continue
        problem = PROBLEMS.get(run["problem"])
        if problem is not None and run["problem_version"] == problem.version:
            yield run


def key_of(run: dict) -> Key:
    return run["problem"], run["setting"], run["seed"]


def read(path: pathlib.Path) -> dict[str, dict[Key, dict]]:
    """The runs in a file by optimiser and key, the first of each."""
    runs: dict[str, dict[Key, dict]] = {}
    for run in lines(path):
        runs.setdefault(run["optimiser"], {}).setdefault(key_of(run), run)
    return runs


def append(path: pathlib.Path, optimiser: str, versions: dict, key: Key, incumbents: list) -> None:
    problem, setting, seed = key
    line = json.dumps({
        "optimiser": optimiser, "versions": versions, "problem": problem, "problem_version": PROBLEMS[problem].version,
        "setting": setting, "seed": seed, "evaluations": EVALUATIONS[setting], "incumbents": incumbents,
    }, separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # A killed process may have left half a line: ours begins on a line of its own.
        if file.seek(0, 2) > 0:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                line = "\n" + line
        file.write((line + "\n").encode())


@contextmanager
def claim(optimiser: str, key: Key) -> Iterator[bool]:
    """Whether this process may take the run: a byte of a lock file stands for it, and ends with the process."""
    CACHE.mkdir(exist_ok=True)
    offset = zlib.crc32(json.dumps([optimiser, *key]).encode())
    with open(CACHE / "search.claims", "a+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except OSError:
            yield False
            return
        yield True


def peer_file(peer: str, versions: dict) -> pathlib.Path:
    """Results of one peer at one version of its own package, which is the first that it names."""
    package, version = next(iter(versions.items()))
    suffix = "" if package.lower() in peer else f"-{package.lower()}"
    return COMMITTED / f"{peer}{suffix}-{version}.jsonl"
