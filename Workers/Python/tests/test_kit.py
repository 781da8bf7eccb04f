# SPDX-License-Identifier: MIT
"""The conformance kit, against our own workers and against such as break a rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parents[2]
KIT = ROOT / "Workers" / "Conformance"
PYTHON = [sys.executable, str(KIT / "python_worker.py"), "--data", "{folder}"]


def played(*words: str) -> tuple[int, list[dict]]:
    """Run the kit; return its exit code and what it says of each rule."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Workers" / "Python" / "src")}
    command = [sys.executable, str(KIT / "run_worker.py"), "--json", *words]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert result.stderr == ""
    return result.returncode, [json.loads(line) for line in result.stdout.splitlines()]


def broken(rules: list[dict]) -> list[dict]:
    return [rule for rule in rules if not rule["is_kept"]]


FAULTS = {
    "digest": ("a digest that differs", "7"),
    "window": ("a window of two", "5"),
    "resync": ("resync", "6.4"),
    "stranger": ("messages of another session", "6.3"),
    "late": ("abandon", "5"),
    "deaf": ("a coordinator that falls silent", "6.7"),
    "fences": ("the highest fence", "7"),
    "backup": ("a restored backup", "6.5"),
    "numbers": ("large integers", "2"),
    "version": ("a version that it does not speak", "9"),
    "checkpoint": ("a checkpoint that is not there", "7"),
}


def native() -> list[str]:
    """Return the command of the native worker, where one is built."""
    binary = os.environ.get("SWEEPD") or str(ROOT / ".build" / "debug" / "sweepd")
    if os.access(binary, os.X_OK):
        help_ = subprocess.run([binary, "worker", "--help"], capture_output=True, text=True, timeout=30, check=False)
        if help_.returncode == 0 and "--connection" in help_.stdout:
            return [binary, "worker", "--slots", "2", "--gpus", "none"]
    return []


SOME = [word for name in ("greeting", "a trial", "started anew", "no message") for word in ("--only", name)]
OURS = {
    "Python, TCP": ["--tcp", "--jobs", "8", "--", *PYTHON, "--connection", "{connection}"],
    "Python, ipc": [*SOME, "--", *PYTHON, "--endpoint", "{endpoint}"],
}
if native():
    place = ("--connection", "{connection}", "--allow-command", "--files", "{folder}/files")
    # On a loaded machine each try of its hello that finds no connection yet doubles the wait for the next one.
    OURS["native, TCP"] = ["--tcp", "--jobs", "8", "--", *native(), *place]
    OURS["native, ipc"] = [*SOME, "--", *native(), "--data", "{folder}"]


def misbehaved(fault: str) -> tuple[int, list[dict]]:
    worker = [sys.executable, str(TESTS / "broken_worker.py"), fault, "--endpoint", "{endpoint}", "--data", "{folder}"]
    return played("--only", FAULTS[fault][0], "--", *worker)


@pytest.fixture(scope="module")
def plays() -> Iterator[dict[str, Future]]:
    """What the kit says of all of them, at once: they wait more than they work."""
    with ThreadPoolExecutor(8) as pool:
        ours = {name: pool.submit(played, *words) for name, words in OURS.items()}
        yield {**ours, **{fault: pool.submit(misbehaved, fault) for fault in FAULTS}}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_worker_that_breaks_a_rule_is_found_out(plays, fault):
    code, rules = plays[fault].result()
    assert code == 1
    assert FAULTS[fault][1] in {rule["section"] for rule in broken(rules)}, rules


@pytest.mark.parametrize("name", OURS)
def test_our_workers_keep_every_rule(plays, name):
    code, rules = plays[name].result()
    assert code == 0, json.dumps(broken(rules))
    scenarios = {rule["scenario"] for rule in rules}
    assert len(scenarios) >= 3 if "ipc" in name else len(scenarios) >= 24 and len(rules) > 90


def test_a_worker_that_does_not_start_is_told_of():
    code, rules = played("--only", "greeting", "--", sys.executable, "-c", "print('no such thing')")
    assert code == 1 and [rule["section"] for rule in broken(rules)] == ["6.1"]
