# SPDX-License-Identifier: MIT
"""One run: an optimiser's child process against a problem, sequential or with eight pending in virtual time."""
from __future__ import annotations

import heapq
import json
import os
import pathlib
import subprocess
import sys

from problems import Instance, random
from spaces import check

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CACHE = ROOT / ".bench-cache"
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
EVALUATIONS = {"sequential": 50, "asynchronous": 100}
PENDING = {"sequential": 1, "asynchronous": 8}


def sweepd_command(binary: str) -> list[str]:
    return [binary, "optimize", "--stdio", "--method", "bayes"]


def peer_command(peer: str) -> list[str]:
    environment = "venv-hebo" if peer == "hebo" else "venv-search"
    return [str(CACHE / environment / "bin/python"), str(HERE / "peers.py"), peer]


class Child:
    """An optimiser's process: one JSON line out, one JSON line back."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **THREADS}, cwd=HERE)

    def call(self, **request: object) -> dict:
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{' '.join(self.command)} ended with {self.process.wait()} at {json.dumps(request)}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{' '.join(self.command)}: {answer['error']} at {json.dumps(request)}")
        return answer

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(child: Child, problem: str, setting: str, seed: int) -> tuple[dict, list]:
    """The versions that the child tells, and the incumbent's change points [[evaluations, noise-free value], ...].

    The incumbent is the configuration with the best observed value; its noise-free value is what is scored.
    """
    instance = Instance(problem, seed)
    versions = child.call(op="init", space=instance.space, seed=seed, direction="minimize").get("versions", {})
    running: list[tuple[float, int, object, dict]] = []
    asked, best, incumbents, now = 0, float("inf"), [], 0.0
    for finished in range(1, EVALUATIONS[setting] + 1):
        while asked < EVALUATIONS[setting] and len(running) < PENDING[setting]:
            trial = child.call(op="ask", n=1)["trials"][0]
            check(instance.space, trial["params"])
            # Virtual time: the same durations for every optimiser, by number, whatever it proposes.
            duration = random("duration", seed, asked).lognormal(sigma=0.75)
            heapq.heappush(running, (now + duration, asked, trial["id"], trial["params"]))
            asked += 1
        now, number, identity, params = heapq.heappop(running)
        observed, truth = instance.evaluate(number, params)
        if observed is None:
            child.call(op="tell", id=identity, failed=True)
            continue
        child.call(op="tell", id=identity, value=observed)
        if observed < best:
            best = observed
            incumbents.append([finished, float(f"{truth:.8g}")])
    return versions, incumbents


def numbers(text: str) -> list[int]:
    """Seeds from "0-9,15"."""
    found = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found


def be_nice() -> None:
    """The machine has other work: benchmarks of quality have time."""
    os.nice(19)
    os.environ.update(THREADS)
    sys.stdout.reconfigure(line_buffering=True)
