# SPDX-License-Identifier: MIT
"""Take the peers' missing runs, in slices that go on where the last one stopped; see README.md.

The order is by seed, so that whatever has been taken is paired. Several of these may run at the same time.
"""
from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import signal
import sys
import time

import results
from drive import EVALUATIONS, Child, be_nice, numbers, peer_command, run
from peers import ADAPTERS
from problems import PROBLEMS

# The quick ones first; the slow ones seed by seed together, so that any slice of them can be compared.
QUICK_PEERS = ["random", "tpe"]


def tasks(peers: list[str], problems: list[str], settings: list[str], seeds: list[int]) -> list[tuple[str, results.Key]]:
    groups = [[peer] for peer in QUICK_PEERS if peer in peers] + [[p for p in peers if p not in QUICK_PEERS]]
    return [(peer, (problem, setting, seed)) for group in groups
            for seed, problem, setting, peer in itertools.product(seeds, problems, settings, group)]


def work(todo: list[tuple[str, results.Key]], deadline: float) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    be_nice()
    parent = os.getppid()
    children: dict[str, Child] = {}
    files = {peer: results.peer_file(peer, versions(peer)) for peer in dict.fromkeys(peer for peer, _ in todo)}
    # Again from the start, for what another runner had claimed and did not finish.
    taken = 1
    while taken:
        taken = 0
        for peer, key in todo:
            if time.monotonic() > deadline or os.getppid() != parent:
                return
            with results.claim(peer, key) as mine:
                if not mine or key in results.read(files[peer]).get(peer, {}):
                    continue
                start = time.monotonic()
                child = children.get(peer) or children.setdefault(peer, Child(peer_command(peer)))
                told, incumbents = run(child, *key)
                results.append(files[peer], peer, told, key, incumbents)
            taken += 1
            value = incumbents[-1][1] if incumbents else None
            print(f"{time.strftime('%H:%M:%S')} {peer} {' '.join(map(str, key))}: {value} "
                  f"in {time.monotonic() - start:.0f} s", flush=True)


def versions(peer: str) -> dict:
    with Child(peer_command(peer)) as child:
        return child.call(op="init", space=[{"name": "x", "type": "float", "low": 0, "high": 1}], seed=0,
                          direction="minimize")["versions"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=",".join(ADAPTERS))
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--settings", default=",".join(EVALUATIONS))
    parser.add_argument("--seeds", default="0-19", help="like 0-9,15")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no run after this time")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    todo = tasks(arguments.peers.split(","), arguments.problems.split(","), arguments.settings.split(","),
                 numbers(arguments.seeds))
    deadline = time.monotonic() + arguments.seconds
    # Daemons end with this process, also when it is told to terminate.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    workers = [multiprocessing.Process(target=work, args=(todo, deadline), daemon=True)
               for _ in range(arguments.processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
