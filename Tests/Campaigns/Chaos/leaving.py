# SPDX-License-Identifier: MIT
"""The kind of run in which workers go in good order, or are shown out: hand-backs, drains, and keys that are revoked."""

import concurrent.futures
import contextlib
import signal
import subprocess
import time

import journal
from fleet import Broken

# Seconds until a worker runs a trial, where there is one for it.
_BUSY = 4.0
# Seconds for a last step, a last checkpoint and a goodbye.
_FAREWELL = 20.0


def hand_back(run, _):
    """All that run a trial are told to go, each in a moment of its own, and come back as other processes."""
    pauses = [run.chance.uniform(0.0, 0.6) for _ in run.fleet.workers]
    _together(lambda index: _hand_back(run, index, pauses[index]), range(len(pauses)))


def drain(run, index):
    """A worker that is asked to leave when it is done runs what it has begun to its end, and nothing else."""
    fleet = run.fleet
    held = _busy(run, index)
    process = fleet.send_away(index, signal.SIGINT)
    if process is None:
        return
    # What was on its way to it is not counted.
    time.sleep(0.5)
    before = len(journal.entries(fleet.data))
    _await(run, index, process, "SIGINT", seconds=60)
    entries = journal.entries(fleet.data)
    ends = {entry["fence"]: entry for entry in entries if entry["e"] in ("ended", "released")}
    for fence in held:
        end = ends.get(fence)
        if end is None or end.get("outcome") != "completed":
            run.problems.append(f"worker {index} was to run attempt {fence} to its end, but: {end}")
    name = journal.worker(entries, process.pid)
    late = {entry["fence"] for entry in entries[before:] if entry["e"] == "leased" and entry["worker"] == name}
    if begun := [entry for entry in entries if entry.get("type") == "started" and entry["fence"] in late]:
        run.problems.append(f"worker {index} was drained and began something new: {begun}")
    fleet.counts["drained"] += len(held)
    fleet.start_worker(index)


def revoke(run, argument):
    """A worker's key is revoked, and the coordinator is killed while it does so. What is revoked stays revoked."""
    index, failpoint = argument
    fleet = run.fleet
    _busy(run, index)
    name = fleet.key_name(index)
    # Before: it may be killed for what it runs, and may end by its own doing when nobody takes its key any more.
    fleet.may_end.add(index)
    run._kill_coordinator(None)
    fleet.start_coordinator(failpoint=f"{failpoint}:1")
    with contextlib.suppress(subprocess.TimeoutExpired):
        # Nobody answers, and the command would wait for its own time.
        answer = fleet.call("workers", "--revoke", name, "--data", str(fleet.data), seconds=3)
        if answer.returncode == 0:
            run.problems.append(f"the coordinator was to die at {failpoint}, but it answered: {answer.stdout}")
    _wait(lambda: fleet.reap() or fleet.coordinator is None, 5, f"the coordinator does not reach {failpoint}")
    fleet.start_coordinator()
    again = fleet.call("workers", "--revoke", name, "--data", str(fleet.data))
    # After it was durable there is no such key any more.
    is_known = again.returncode == 0
    if is_known != (failpoint == "before_revocation"):
        run.problems.append(f"killed at {failpoint}, then revoked again: {again.stdout}{again.stderr}")
    fleet.counts["revocations"] += 1
    _is_shut_out(run, index)
    fleet.may_end.discard(index)
    fleet.enrol(index)
    fleet.start_worker(index)


def _is_shut_out(run, index):
    """The process that held the key is not let in any more; another one with the same key is not either, and ends.

    The first one ends by itself where the coordinator lived to tell it. Else its connection is refused, which anybody on
    the way could do: it goes on with what it runs, which nobody takes, and tries again for half an hour.
    """
    fleet = run.fleet
    old = fleet.workers[index]
    known = len(journal.entries(fleet.data))
    with contextlib.suppress(Broken):
        _wait(lambda: fleet.reap() or fleet.workers[index] is None, 8, "")
    if fleet.workers[index] is not None:
        fleet.kill_worker(index)
    elif old is not None and old.returncode == 0:
        run.problems.append(f"worker {index} says that all is well although its key was revoked")
    fleet.start_worker(index)
    late = fleet.workers[index]
    _wait(lambda: fleet.reap() or fleet.workers[index] is None, 20, f"worker {index} goes on trying with a revoked key")
    pids = {old.pid if old else None, late.pid}
    came = [
        entry for entry in journal.entries(fleet.data)[known:] if entry["e"] == "worker_joined" and entry["pid"] in pids
    ]
    if came:
        run.problems.append(f"a worker came in with a revoked key: {came}")


def _hand_back(run, index, pause):
    _busy(run, index)
    time.sleep(pause)
    process = run.fleet.send_away(index, signal.SIGTERM)
    if process is None:
        return
    _await(run, index, process, "SIGTERM", _FAREWELL)
    with run.fleet.lock:
        run.fleet.counts["hand_backs"] += 1
    run.fleet.start_worker(index)


def _busy(run, index):
    """Wait until the worker runs a trial; return its attempts, none where there is no work left."""
    fleet = run.fleet
    process = fleet.workers[index]
    deadline = time.monotonic() + _BUSY
    while process is not None and time.monotonic() < deadline:
        if held := journal.running(fleet.data, process.pid):
            return held
        time.sleep(0.05)
    # A program that is only just being loaded heeds no signal of its own accord.
    _wait(lambda: journal.worker(journal.entries(fleet.data), process.pid), 20, f"worker {index} does not come in")
    return []


def _await(run, index, process, name, seconds):
    try:
        if process.wait(seconds) != 0:
            run.problems.append(f"worker {index} ended with {process.returncode} on {name}")
    except subprocess.TimeoutExpired:
        raise Broken(f"worker {index} does not end on {name}") from None


def _wait(condition, seconds, otherwise):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Broken(otherwise)
        time.sleep(0.05)


def _together(action, indices):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(action, index) for index in indices]:
            done.result()
