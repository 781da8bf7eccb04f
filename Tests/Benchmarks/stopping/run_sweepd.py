# SPDX-License-Identifier: MIT
"""Take sweepd's own runs: by `simulate`, or with --stdio by `optimize --stdio`; see README.md.

Runs that the same binary has already taken into the file are not taken again.
"""
from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import multiprocessing
import os
import pathlib
import time

import ours
import runs
from grid import Curves, read_table
from runs import CACHE, ROOT, THREADS, Key
from simulate import Entry


def digest(binary: str) -> str:
    return hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest()[:12]


def default_file(binary: str) -> pathlib.Path:
    return CACHE / f"stopping-sweepd-{digest(binary)}.jsonl"


@functools.cache
def table() -> dict[int, Curves]:
    return read_table()


def take(task: tuple[str, bool, Key]) -> tuple[Key, list[Entry]]:
    binary, over_stdio, key = task
    method, rule = key.sampler, key.rule.removesuffix("-stdio")
    if over_stdio:
        return key, ours.asked(binary, method, rule, key.workers, key.seed, table()[key.training_seed])
    return key, ours.simulated(binary, method, rule, key.workers, key.seed, key.training_seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd")))
    parser.add_argument("--methods", help="default: all that the way of running has")
    parser.add_argument("--rules", help="default: all that the way of running has")
    parser.add_argument("--workers", default="1,4", help="trials at once")
    parser.add_argument("--seeds", default="0-19", help="like 0-9,15")
    parser.add_argument("--stdio", action="store_true", help="the rules are then named auto-stdio and so on")
    parser.add_argument("--out", type=pathlib.Path, help="default: below .bench-cache, by the binary's digest")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end with what there is after this time")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    os.environ.update(THREADS)
    binary = str(pathlib.Path(arguments.binary).resolve())
    version, path = digest(binary), arguments.out or default_file(binary)
    rules = arguments.rules.split(",") if arguments.rules else list(ours.STOPPERS if arguments.stdio else ours.RULES)
    every_method = ours.STDIO_METHODS if arguments.stdio else ours.METHODS
    methods = arguments.methods.split(",") if arguments.methods else every_method
    done = runs.read(path, lambda run: run["sweepd"] == version)
    suffix = "-stdio" if arguments.stdio else ""
    todo = [(binary, arguments.stdio, key) for seed, workers, rule, method in itertools.product(
        runs.numbers(arguments.seeds), runs.numbers(arguments.workers), rules, methods)
        if (key := Key(method, rule + suffix, workers, seed)) not in done]
    start, taken = time.monotonic(), 0
    with multiprocessing.Pool(arguments.processes) as pool:
        for key, trace in pool.imap_unordered(take, todo):
            runs.append(path, key, {"sweepd": version}, trace)
            taken += 1
            if taken % 50 == 0:
                print(f"{taken} of {len(todo)} runs in {time.monotonic() - start:.0f} s", flush=True)
            if time.monotonic() - start > arguments.seconds:
                break
    print(f"sweepd {version}: {len(done)} runs were there, {len(todo)} missing, {taken} taken in "
          f"{time.monotonic() - start:.0f} s into {path.name}")


if __name__ == "__main__":
    main()
