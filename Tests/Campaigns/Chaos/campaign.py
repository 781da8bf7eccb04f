# SPDX-License-Identifier: MIT
"""make chaos: as many runs as were asked for, several at once, each with a seed of its own.

The ledger holds a line for each run that was ever made (seed, kind, commit, result, …); the next call goes on after the
last seed, so that totals add up over days. What failed keeps its folder, and the command to repeat it is printed.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import plan as plans
from fleet import HERE, ROOT

COLUMNS = ("seed", "kind", "commit", "result", "seconds", "coordinator_kills", "worker_kills", "acknowledged", "lost")

# Neither passed nor failed: not possible on this machine, or the machine was too busy for what depends on time.
OTHER = ("skipped", "starved")


class Ledger:
    """The runs that were made, one a line, tabs between."""

    def __init__(self, path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        self.rows = [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]

    def add(self, row):
        """Add a line."""
        self.rows.append(row)
        with open(self.path, "a") as file:
            file.write("\t".join(str(row[name]) for name in COLUMNS) + "\n")

    @property
    def next_seed(self):
        """Return the first that was not yet played."""
        return max((int(row["seed"]) for row in self.rows), default=-1) + 1

    def count(self, result):
        """Return how many runs ended so."""
        return sum(row["result"] == result for row in self.rows)

    def total(self, name):
        """Return a column's sum."""
        return sum(int(row[name]) for row in self.rows)


def commit():
    """Return the commit, and whether the sources differ from it."""
    short = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.strip()
    status = ["git", "status", "--porcelain", "--", "Sources", "Workers/Python/src"]
    changed = subprocess.run(status, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    return short + ("+" if changed else "")


def play(seed, kind, sweepd, folder, shelf):
    """Make one run in a process of its own; return what it says of itself."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, str(HERE / "chaos_run.py"), "--seed", str(seed), "--sweepd", str(sweepd)]
    command += ["--folder", str(folder), "--shelf", str(shelf)] + (["--kind", kind] if kind else [])
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        problem = "the run does not end"
    except (ValueError, IndexError):
        problem = f"the run broke: {done.stderr[-2000:]}"
    return {"seed": seed, "kind": plans.drawn(seed, kind).kind, "seconds": 0, "problems": [problem], "notes": []}


class Campaign:
    """Plays seeds until enough are done or the time is over."""

    def __init__(self, options):
        self.options = options
        self.ledger = Ledger(options.ledger)
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=options.scratch))
        # Whoever builds meanwhile does not change what is under test.
        self.sweepd = self.folder / "sweepd"
        shutil.copy2(options.sweepd, self.sweepd)
        digest = hashlib.sha256(self.sweepd.read_bytes()).hexdigest()[:12]
        self.shelf = self.folder / f"undisturbed-{digest}"
        self.commit = options.commit or commit()
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.done = 0
        self.failed = []
        self.kinds = collections.Counter()

    def go(self):
        """Play; return the exit code."""
        options = self.options
        first = self.ledger.next_seed if options.first_seed is None else options.first_seed
        missing = max(0, options.runs - (self.ledger.count("passed") if options.total else 0))
        seeds = iter(range(first, first + missing))
        deadline = self.began + options.minutes * 60
        print(f"chaos: {self.ledger.count('passed')} runs passed so far; on from seed {first}", flush=True)
        self._tell_rate(missing)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            workers = [pool.submit(self._work, seeds, deadline) for _ in range(options.jobs)]
            for worker in workers:
                worker.result()
        self._tell_result()
        if not self.failed:
            shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if self.failed else 0

    def _tell_rate(self, missing):
        """What is ahead, from the runs that were made before; the first line of the first campaign tells it else."""
        seconds = [float(row["seconds"]) for row in self.ledger.rows if row["result"] == "passed"][-200:]
        if seconds:
            rate = 60 * self.options.jobs / (sum(seconds) / len(seconds))
            print(f"chaos: about {rate:.1f} runs a minute; {missing} runs take {missing / rate:.0f} min", flush=True)

    def _work(self, seeds, deadline):
        while time.monotonic() < deadline:
            with self.lock:
                if self.failed and not self.options.keep_going:
                    return
                seed = next(seeds, None)
            if seed is None:
                return
            # Short: sockets' paths are.
            folder = self.folder / f"{seed}"
            self._take(seed, play(seed, self.options.kind, self.sweepd, folder, self.shelf), folder)

    def _take(self, seed, report, folder):
        with self.lock:
            words = {note.split(":")[0] for note in report["notes"]}
            result = "failed" if report["problems"] else next((word for word in OTHER if word in words), "passed")
            row = {name: report.get(name, 0) for name in COLUMNS}
            self.ledger.add(row | {"commit": self.commit, "result": result})
            with open(self.options.ledger.with_name("reports.jsonl"), "a") as file:
                file.write(json.dumps({"commit": self.commit, "result": result} | report) + "\n")
            self.done += 1
            if len(self.ledger.rows) == self.options.jobs:
                self._tell_rate(self.options.runs - self.done)
            self.kinds[report["kind"]] += 1
            rate = self.done / (time.monotonic() - self.began) * 60
            head = f"chaos: seed {seed:5} {report['kind']:18} {result} in {report['seconds']:5.1f} s"
            print(f"{head}; {rate:.1f} runs a minute, {self.ledger.count('passed')} passed in all", flush=True)
            for note in report["notes"]:
                print(f"  note: {note}", flush=True)
            if result != "failed":
                shutil.rmtree(folder, ignore_errors=True)
                return
            self.failed.append(seed)
            for problem in report["problems"][:8]:
                print(f"  {problem[:1500]}", flush=True)
            # By name: what a seed stands for changes with the list of kinds.
            kind = f" --kind {report['kind']}"
            print(
                f"  kept in {folder}; again with:\n    {sys.executable} {HERE.relative_to(ROOT)}/chaos_run.py --seed {seed}"
                f"{kind} --folder {self.options.scratch}/again-{seed}",
                flush=True,
            )

    def _tell_result(self):
        minutes = (time.monotonic() - self.began) / 60
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        print(f"chaos: {self.done} runs in {minutes:.1f} min ({kinds})")
        ledger = self.ledger
        print(
            f"result: chaos_runs={ledger.count('passed')} chaos_failed={ledger.count('failed')} "
            f"chaos_starved={ledger.count('starved')} "
            f"chaos_kills={ledger.total('coordinator_kills')} chaos_worker_kills={ledger.total('worker_kills')} "
            f"chaos_acknowledged={ledger.total('acknowledged')} chaos_lost={ledger.total('lost')}"
        )


def main():
    """Read the options and play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=int(os.environ.get("RUNS", "1000")), help="how many in all")
    parser.add_argument("--more", dest="total", action="store_false", help="--runs counts this call's only")
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("MINUTES", "1e9")))
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", str(2 * (os.cpu_count() or 1)))))
    parser.add_argument("--kind", choices=plans.KINDS)
    parser.add_argument("--first-seed", type=int)
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--sweepd", type=Path, default=ROOT / ".build/debug/sweepd", help="a debug build")
    parser.add_argument("--commit", help="what the ledger says of a build that is not of this tree as it is")
    parser.add_argument("--ledger", type=Path, default=ROOT / ".bench-cache/chaos/ledger.tsv")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    sys.exit(Campaign(parser.parse_args()).go())


if __name__ == "__main__":
    main()
