# SPDX-License-Identifier: MIT
"""Take the peers' missing runs, seed by seed, in slices that go on where the last one stopped; see README.md."""
from __future__ import annotations

import argparse
import functools
import itertools
import multiprocessing
import os
import pathlib
import time

import runs
from grid import Curves, read_table
from peers import RULES, SAMPLERS, VERSIONS, peer
from runs import Key
from simulate import Entry, run


def file_of(sampler: str) -> pathlib.Path:
    return runs.COMMITTED / f"{sampler}-optuna-{VERSIONS['optuna']}.jsonl"


@functools.cache
def table() -> dict[int, Curves]:
    return read_table()


def take(key: Key) -> tuple[Key, list[Entry]]:
    curves = table()[key.training_seed]
    return key, run(peer(key.sampler, key.rule, key.seed), curves, key.workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samplers", default=",".join(SAMPLERS))
    parser.add_argument("--rules", default=",".join(RULES))
    parser.add_argument("--workers", default="1,4", help="trials at once")
    parser.add_argument("--seeds", default="0-19", help="like 0-9,15")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no run after this time")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    samplers = arguments.samplers.split(",")
    done = set().union(*(runs.read(file_of(sampler)) for sampler in samplers))
    todo = [key for seed, workers, sampler, rule in itertools.product(
        runs.numbers(arguments.seeds), runs.numbers(arguments.workers), samplers, arguments.rules.split(","))
        if (key := Key(sampler, rule, workers, seed)) not in done]
    start, taken = time.monotonic(), 0
    with multiprocessing.Pool(arguments.processes, initializer=os.nice, initargs=(19,)) as pool:
        for key, trace in pool.imap_unordered(take, todo):
            runs.append(file_of(key.sampler), key, VERSIONS, trace)
            taken += 1
            if taken % 50 == 0:
                print(f"{taken} of {len(todo)} runs in {time.monotonic() - start:.0f} s", flush=True)
            if time.monotonic() - start > arguments.seconds:
                break
    print(f"peers: {len(done)} runs were there, {len(todo)} missing, {taken} taken in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
