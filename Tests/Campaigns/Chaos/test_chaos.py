# SPDX-License-Identifier: MIT
"""The bounded part of `make chaos`: a brief run of each kind, and proof that the checks find what is wrong."""

import concurrent.futures
import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import journal  # noqa: E402
import plan as plans  # noqa: E402
from checks import Checks  # noqa: E402

SWEEPD = Path(os.environ.get("SWEEPD", HERE.parents[2] / ".build/debug/sweepd"))
SEED = int(os.environ.get("SWEEPD_SEED", "20261128"))
pytestmark = pytest.mark.skipif(not SWEEPD.exists(), reason="no debug build of sweepd")


def _play(folder, kind, *options):
    command = [sys.executable, HERE / "chaos_run.py", "--seed", SEED, "--kind", kind, "--brief", "--sweepd", SWEEPD]
    command += ["--folder", folder / kind, "--shelf", folder / "undisturbed", *options]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def scratch():
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def runs(scratch):
    """Return kind → its run's report. They wait more than they work, so several are made at once."""
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        futures = {kind: pool.submit(_play, scratch, kind) for kind in plans.KINDS}
        futures["amnesia"] = pool.submit(_play, scratch / "amnesia", "second-coordinator", "--amnesia")
        return {kind: future.result() for kind, future in futures.items()}


@pytest.mark.parametrize("kind", plans.KINDS)
def test_nothing_acknowledged_is_lost(runs, kind):
    report = runs[kind]
    if any(note.startswith("skipped") for note in report["notes"]):
        pytest.skip(report["notes"][0])
    if any(note.startswith("starved") for note in report["notes"]):
        pytest.skip(f"the machine was too busy: {report['notes'][0]}")
    assert report["problems"] == [], f"again with: chaos_run.py --brief --seed {SEED} --kind {kind}"
    assert report["acknowledged"] > 20
    if kind == "leave":
        # Else it would prove nothing about those that are handed back more often than a trial may be lost.
        assert report["most_attempts"] > plans.HAND_BACKS and report["drained"] and report["revocations"]


def test_a_coordinator_that_forgets_is_found_out(runs):
    problems = runs["amnesia"]["problems"]
    assert any(problem.startswith("LOST") for problem in problems), problems


def _mutations():
    def first(entries, kind):
        return next(number for number, entry in enumerate(entries) if entry["e"] == kind and entry.get("seq", 2) > 1)

    def lose(entries):
        del entries[first(entries, "observed")]

    def repeat(entries):
        entries.insert(first(entries, "ended"), entries[first(entries, "observed")])

    def falsify(entries):
        report = next(entry for entry in entries if entry.get("type") == "report")
        report["metrics"] = {"value": report["metrics"]["value"] + 1e-9}

    def end_twice(entries):
        entries.append({**entries[first(entries, "ended")], "seq": 99})

    def propose_another(entries):
        entries[first(entries, "proposed")]["configuration"]["x"] += 1e-12

    def grant_twice(entries):
        place = first(entries, "leased")
        entries.insert(place + 1, {**entries[place], "fence": entries[place]["fence"]})

    def throw_away(entries):
        lease = [entry for entry in entries if entry["e"] == "leased"][-1]
        place = next(n for n, e in enumerate(entries) if e["e"] == "ended" and e["fence"] == lease["fence"])
        entries[place] = {"e": "released", "fence": lease["fence"], "reason": "lost", "then": "queued"}

    return [lose, repeat, falsify, end_twice, propose_another, grant_twice, throw_away]


@pytest.mark.parametrize("mutation", _mutations(), ids=lambda mutation: mutation.__name__)
def test_the_checks_find_it(runs, scratch, monkeypatch, mutation):
    """A sound run's journal, spoilt in one place."""
    folder = scratch / "second-coordinator"
    facts = json.loads((folder / "facts.json").read_text())
    plan = plans.drawn(SEED, "second-coordinator")
    plan.shorten()
    ended = {int(number): tuple(row) for number, row in facts["ended"].items()}
    workers = {int(pid): index for pid, index in facts["worker_of"].items()}
    entries = journal.entries(folder / "data")
    assert Checks(plan, folder, workers, facts["expected"]).all(ended) == []
    spoilt = copy.deepcopy(entries)
    mutation(spoilt)
    monkeypatch.setattr(journal, "entries", lambda _: spoilt)
    assert Checks(plan, folder, workers, facts["expected"]).all(ended) != []


def test_an_attempt_that_begins_anew_is_found_out(runs, scratch, monkeypatch):
    """Of the run in which trials are handed back: the curve alone would look the same."""
    folder = scratch / "leave"
    facts = json.loads((folder / "facts.json").read_text())
    plan = plans.drawn(SEED, "leave")
    plan.shorten()
    entries = journal.entries(folder / "data")
    workers = {int(pid): index for pid, index in facts["worker_of"].items()}
    for entry in [entry for entry in entries if entry.get("type") == "started" and entry["resumed_from"]]:
        entry["resumed_from"] = None
    monkeypatch.setattr(journal, "entries", lambda _: entries)
    problems = Checks(plan, folder, workers, facts["expected"]).all({})
    assert any("was saved" in problem for problem in problems), problems
