# SPDX-License-Identifier: MIT
"""Trials and reports per second beside Optuna's JournalStorage, in one run; see README.md."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import optuna
import zmq

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWEEPD = os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd"))
QUICK = os.environ.get("QUICK") == "1"
WORKERS = 4
EARLIER = [100, 1000] if QUICK else [100, 1000, 10000]
TRIALS = 2000 if QUICK else 8000
OPTUNA_TRIALS = 200 if QUICK else 800
REPORTS = 500 if QUICK else 2000
OPTUNA_REPORTS = 50 if QUICK else 200
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "Workers/Python/src"), "OMP_NUM_THREADS": "1"}
SWEEP = """
name: noop
method: random
seed: 1
trials: {trials}
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{min: 0.0, max: 1.0}}
  y: {{min: 0.0, max: 1.0}}
"""


class Sweep:
    """A data directory whose sweep is run, and run on, by Python worker processes."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.started = False

    def run(self, trials: int, reports: int, prefetch: int = 32, window: int = 0) -> None:
        """Let `trials` more trials happen, each with `reports` reports."""
        if self.started:
            command = [SWEEPD, "extend", "--trials", f"+{trials}"]
        else:
            (self.folder / "sweep.yaml").write_text(SWEEP.format(trials=trials))
            command = [SWEEPD, "run", str(self.folder / "sweep.yaml")]
        self.started = True
        with open(self.folder / "log", "a") as log:
            coordinator = subprocess.Popen(
                [*command, "--data", str(self.data), "--workers", "0", "--json", "--plain"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            endpoint = self.data / "endpoint.json"
            while not endpoint.exists():
                if coordinator.poll() is not None:
                    sys.exit((self.folder / "log").read_text())
                time.sleep(0.002)
            environment = {**ENVIRONMENT, "NOOP_REPORTS": str(reports), "NOOP_PREFETCH": str(prefetch)}
            if window:
                environment["SWEEPD_WINDOW"] = str(window)
            workers = [
                subprocess.Popen([sys.executable, str(HERE / "noop_worker.py"), str(self.data)], env=environment,
                                 stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                for _ in range(WORKERS)
            ]
            status = coordinator.wait(timeout=600)
            for worker in workers:
                try:
                    worker.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    worker.kill()
            if status != 0:
                sys.exit(f"sweepd ended with {status}:\n" + (self.folder / "log").read_text()[-4000:])

    def seconds(self, trials: int) -> float:
        """From the first lease to the last end of the newest `trials` trials, by the journal's own times."""
        store = sqlite3.connect(f"file:{self.data}/sweepd.sqlite?mode=ro", uri=True)
        first, last = store.execute(
            "SELECT min(a.leased_at), max(a.ended_at) FROM attempt a WHERE a.trial >= "
            "(SELECT max(number) + 1 - ? FROM trial)", (trials,)).fetchone()
        return max(1, last - first) / 1000


def sweepd_trials(earlier: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(pathlib.Path(folder))
        sweep.run(earlier, 1)
        sweep.run(TRIALS, 1)
        return TRIALS / sweep.seconds(TRIALS)


def sweepd_reports(window: int = 0) -> float:
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(pathlib.Path(folder))
        sweep.run(100, 1)
        reports = REPORTS if not window else max(50, REPORTS // 4)
        sweep.run(WORKERS * 4, reports, window=window)
        return WORKERS * 4 * reports / sweep.seconds(WORKERS * 4)


def optuna_rate(earlier: int, trials: int, reports: int) -> tuple[float, float]:
    """Trials and reports per second of four processes on one journal file."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/journal.log"
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
        study = optuna.create_study(study_name="noop", storage=storage)
        space = {"x": optuna.distributions.FloatDistribution(0, 1), "y": optuna.distributions.FloatDistribution(0, 1)}
        study.add_trials([
            optuna.trial.create_trial(params={"x": 0.5, "y": 0.5}, distributions=space, value=0.5,
                                      intermediate_values={1: 0.5})
            for _ in range(earlier)
        ])
        gate = f"{folder}/gate"
        environment = {**os.environ, "NOOP_REPORTS": str(reports)}
        workers = [
            subprocess.Popen([sys.executable, str(HERE / "optuna_worker.py"), path, str(trials // WORKERS), gate],
                             env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(WORKERS)
        ]
        for worker in workers:
            worker.stdout.readline()
        pathlib.Path(gate).touch()
        times = [[float(part) for part in worker.communicate()[0].split()] for worker in workers]
        seconds = max(end for _, end in times) - min(start for start, _ in times)
        done = trials // WORKERS * WORKERS
        return done / seconds, done * reports / seconds


def raw_pyzmq() -> float:
    """Round trips per second: four dealers with one message in flight each, one router that echoes."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/echo"
        context = zmq.Context()
        router = context.socket(zmq.ROUTER)
        router.bind(address)
        client = (
            "import sys, zmq; s = zmq.Context().socket(zmq.DEALER); s.connect(sys.argv[1]); s.send(b'hi'); s.recv()\n"
            "for _ in range(int(sys.argv[2])):\n    s.send(b'x' * 100); s.recv()\n")
        count = 5000
        clients = [subprocess.Popen([sys.executable, "-c", client, address, str(count)]) for _ in range(WORKERS)]
        waiting = [router.recv_multipart() for _ in range(WORKERS)]
        start = time.time()
        for message in waiting:
            router.send_multipart(message)
        for _ in range(WORKERS * count):
            router.send_multipart(router.recv_multipart())
        seconds = time.time() - start
        for process in clients:
            process.wait()
        return WORKERS * count / seconds


def commits(rows: int) -> float:
    """Commits with fsync per second (WAL, synchronous=FULL)."""
    with tempfile.TemporaryDirectory() as folder:
        store = sqlite3.connect(f"{folder}/commits.db", isolation_level=None)
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=FULL")
        store.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB)")
        body, count, start = b"x" * 150, 0, time.time()
        while time.time() - start < 2:
            store.execute("BEGIN IMMEDIATE")
            store.executemany("INSERT INTO event (body) VALUES (?)", [(body,)] * rows)
            store.execute("COMMIT")
            count += 1
        return count / (time.time() - start)


def median(function, *arguments, repeats: int = 1 if QUICK else 3) -> float:
    return statistics.median(function(*arguments) for _ in range(repeats))


def main() -> None:
    result: dict[str, float] = {}
    result["pyzmq_round_trips"] = median(raw_pyzmq)
    result["commits_1"] = commits(1)
    result["commits_100"] = commits(100)
    rows = []
    for earlier in EARLIER:
        ours = median(sweepd_trials, earlier)
        theirs = median(lambda: optuna_rate(earlier, OPTUNA_TRIALS, 1)[0])
        rows.append((f"trials/s, {earlier} earlier", ours, theirs))
        result[f"trials_{earlier}"], result[f"optuna_trials_{earlier}"] = ours, theirs
    ours = median(sweepd_reports)
    theirs = median(lambda: optuna_rate(100, WORKERS * 2, OPTUNA_REPORTS)[1])
    rows.append(("reports/s, streamed", ours, theirs))
    result["reports"], result["optuna_reports"] = ours, theirs
    single = median(sweepd_reports, 1)
    rows.append(("reports/s, one in flight a worker", single, theirs))
    result["reports_one_in_flight"] = single

    print(f"\n{'':36}{'sweepd':>10}{'Optuna':>10}{'ratio':>8}")
    for name, ours, theirs in rows:
        print(f"{name:36}{ours:10.0f}{theirs:10.0f}{ours / theirs:8.1f}")
    print(f"\nraw pyzmq, {WORKERS} dealers, one in flight each: {result['pyzmq_round_trips']:.0f} round trips/s")
    print(f"SQLite, FULL sync: {result['commits_1']:.0f} commits/s of 1 row, {result['commits_100']:.0f} of 100 rows")
    print(f"optuna {optuna.__version__}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}")
    print("result: " + " ".join(f"{name}={value:.0f}" for name, value in result.items()))


if __name__ == "__main__":
    main()
