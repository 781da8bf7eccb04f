# SPDX-License-Identifier: MIT
"""How long a free worker waits for its next trial in a Bayesian sweep of 2,000 results; see README.md."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWEEPD = os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd"))
QUICK = os.environ.get("QUICK") == "1"
WORKERS, OBSERVATIONS = 4, 2000
TRIALS = 60 if QUICK else 300
# A trial's mean length. The model has this long, divided by the workers, for its next look.
SECONDS = 2.0
NAP = 0.002
# The goal, at the 99th percentile.
LIMIT_MILLISECONDS = 5
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "Workers/Python/src"), "OMP_NUM_THREADS": "1"}

WORKER = """
import json, random, sys, time
import sweepd
from sweepd._link import Link
ended, free, leased = None, None, None
log = open(sys.argv[2], "w", buffering=1)
random.seed(int(sys.argv[3]))
send, take = Link._send, Link._take

def noting_send(link, socket, texts):
    global free
    if any('"finished"' in text for text in texts):
        free = time.monotonic()
    send(link, socket, texts)

def noting_take(link, lease):
    global leased
    leased = time.monotonic()
    take(link, lease)

Link._send, Link._take = noting_send, noting_take

def train(trial):
    global ended
    begun = time.monotonic()
    value = sum((x - 0.4) ** 2 for x in trial.params.values())
    number = int(trial.number)
    if ended is not None and number >= FIRST + WORKERS:
        log.write(json.dumps([leased - free, begun - ended]) + "\\n")
    if number >= FIRST:
        time.sleep(SECONDS * random.uniform(0.5, 1.5))
    trial.report(1, loss=value)
    ended = time.monotonic()

sweepd.worker(train, data=sys.argv[1])
""".replace("FIRST", str(OBSERVATIONS)).replace("WORKERS", str(WORKERS)).replace("SECONDS", str(SECONDS))


def sweep_file() -> str:
    """The first trials take no time, so that the results are there soon; all are proposed by the model."""
    return json.dumps({
        "name": "leases", "method": "bayes", "seed": 1, "trials": OBSERVATIONS + TRIALS,
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": {f"p{index}": {"distribution": "uniform", "min": 0.0, "max": 1.0} for index in range(10)}})


class Probe(threading.Thread):
    """What something takes that no lease can do without, measured now and then meanwhile."""

    def __init__(self, pause: float, measure: Callable[[], float]) -> None:
        super().__init__(daemon=True)
        self.pause, self.measure = pause, measure
        self.waits: list[float] = []
        self.end = threading.Event()

    def run(self) -> None:
        while not self.end.wait(self.pause):
            self.waits.append(self.measure())


def disk(path: pathlib.Path) -> Callable[[], float]:
    """A few pages kept: no lease can be sent before its commit is there."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def measure() -> float:
        start = time.monotonic()
        # Over the same pages again, as a log of SQLite's that has been started anew.
        os.pwrite(file, os.urandom(16 * 1024), 0)
        os.fdatasync(file)
        return time.monotonic() - start

    return measure


def lateness() -> float:
    """By how much a sleep as long as a lease takes is too long: what other programs and the host of a virtual machine
    take away."""
    start = time.monotonic()
    time.sleep(NAP)
    return time.monotonic() - start - NAP


def summary(seconds: list[float]) -> tuple[float, float, float, int]:
    """Median, 99th percentile, longest in milliseconds; how many are over the limit."""
    waits = sorted(value * 1000 for value in seconds)
    return (waits[len(waits) // 2], waits[min(len(waits) - 1, int(0.99 * len(waits)))], waits[-1],
            sum(wait > LIMIT_MILLISECONDS for wait in waits))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "sweep.yaml").write_text(sweep_file())
        (path / "worker.py").write_text(WORKER)
        data = str(path / "data")
        coordinator = subprocess.Popen(
            [SWEEPD, "run", str(path / "sweep.yaml"), "--data", data, "--workers", "0", "--json", "--plain"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        while not (path / "data/endpoint.json").exists():
            if coordinator.poll() is not None:
                raise SystemExit(f"sweepd ended with {coordinator.returncode} before it began")
            time.sleep(0.05)
        probes = [Probe(0.5, disk(path / "disk")), Probe(0.1, lateness)]
        for probe in probes:
            probe.start()
        python = str(ROOT / ".bench-cache/venv/bin/python")
        workers = [
            subprocess.Popen([python, str(path / "worker.py"), data, str(path / f"log{index}"), str(index)],
                             env=ENVIRONMENT, stdin=subprocess.DEVNULL)
            for index in range(WORKERS)]
        if coordinator.wait() != 0:
            raise SystemExit("the sweep failed")
        for worker in workers:
            worker.wait()
        for probe in probes:
            probe.end.set()
            probe.join()
        pairs = [json.loads(line) for index in range(WORKERS)
                 for line in (path / f"log{index}").read_text().splitlines()]
    print(f"free worker to next trial, {OBSERVATIONS} results, 10 parameters, {WORKERS} workers, trials of {SECONDS} s:")
    result = "result:"
    leases, calls = zip(*pairs)
    for name, what, seconds in [("lease", "from its last word to its next lease", leases),
                                ("begin", "from its function's return to the next call", calls),
                                ("disk", "the disk alone, four pages kept", probes[0].waits),
                                ("late", "the machine alone, how late a sleep of 2 ms ends", probes[1].waits)]:
        median, share, longest, late = summary(seconds)
        print(f"  {what}: median {median:.2f} ms, 99th percentile {share:.2f} ms, longest {longest:.1f} ms, "
              f"{late} of {len(seconds)} over {LIMIT_MILLISECONDS} ms")
        result += f" {name}_median_ms={median:.3f} {name}_p99_ms={share:.3f} {name}_max_ms={longest:.2f}"
    print(result)


if __name__ == "__main__":
    main()
