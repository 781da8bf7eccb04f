# SPDX-License-Identifier: MIT
"""The kind of run in which one process does it all: `sweepd run` with workers of its own, killed while trials run, and
taken up again with `sweepd resume` each time."""

import contextlib
import os
import signal
import time

import journal
from fleet import Broken


def play(run, file):
    """Kill it a few times, then let it come to its end."""
    fleet, chance = run.fleet, run.chance
    fleet.data.mkdir(mode=0o700)
    kills = chance.randint(3, 8)
    words = ["run", str(file)]
    for number in range(kills + 1):
        is_last = number == kills
        command = [fleet.sweepd, *words, "--data", str(fleet.data), "--workers", "4", "--gpus", "none", "--plain"]
        process = fleet._start(command, "coordinator.log")
        words = ["resume", "chaos"]
        if is_last:
            if process.wait(120) != 0:
                raise Broken(f"the last resume ended with {process.returncode}")
            break
        deadline = time.monotonic() + 20
        while not any("oracle_trial.py" in line for line in fleet.left().values()) and process.poll() is None:
            if time.monotonic() > deadline:
                raise Broken("no trial begins")
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.8))
        if process.poll() is not None:
            # All trials were over before the shot.
            break
        run._log(f"kill {number}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        fleet.counts["coordinator_kills"] += 1
        deadline = time.monotonic() + 3
        while (left := fleet.left()) and time.monotonic() < deadline:
            time.sleep(0.02)
        if left:
            run.problems.append(f"processes are left over after kill {number}: {left}")
        run._look()
    rows = journal.trials(fleet.data)
    if any(row[0] not in journal.OVER for row in rows.values()):
        raise Broken(f"it ended with trials that are not over: {rows}")
