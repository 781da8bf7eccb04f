# SPDX-License-Identifier: MIT
"""`sweepd.trial()` against the socket of a worker, and without one."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from fake_agent import FakeAgent

import sweepd

SOURCE = Path(sweepd.__file__).parent.parent


@pytest.fixture
def agent(short_path, tmp_path, monkeypatch):
    agent = FakeAgent(short_path / "s")
    (tmp_path / "p.json").write_text(json.dumps({"lr": 0.5, "opt": {"name": "sgd"}}))
    for name, value in {
        "SWEEP": "digits", "TRIAL": "12", "ATTEMPT": "2", "FENCE": "99", "SEED": str(2**64 - 1),
        "PARAMS": str(tmp_path / "p.json"), "METRIC": "loss", "GOAL": "minimize", "SOCKET": str(short_path / "s"),
        "CHECKPOINT_DIR": str(tmp_path / "c"),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SWEEPD_{name}", value)
    yield agent
    agent.close()


def script(text: str, *arguments: str, **environment: str) -> subprocess.Popen:
    everything = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    command = [sys.executable, "-c", textwrap.dedent(text), *arguments]
    return subprocess.Popen(command, env=everything, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_stopped(trial) -> None:
    deadline = time.monotonic() + 5
    while trial._channel.stop_reason() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_facts(agent, monkeypatch):
    monkeypatch.setenv("SWEEPD_MAX_STEP", "27")
    monkeypatch.setenv("SWEEPD_RESUME_CHECKPOINT", "/old/step-9")
    monkeypatch.setenv("SWEEPD_RESUME_STEP", "9")
    with sweepd.trial(defaults={"lr": 1, "opt": {"beta": 0.9}}) as trial:
        assert trial.params == {"lr": 0.5, "opt": {"beta": 0.9, "name": "sgd"}}
        assert (trial.sweep, trial.number, trial.attempt, trial.seed) == ("digits", 12, 2, 2**64 - 1)
        assert (trial.metric, trial.goal, trial.max_step) == ("loss", "minimize", 27)
        assert (trial.checkpoint, trial.checkpoint_uri, trial.resume_step) == (Path("/old/step-9"), None, 9)


def test_lines(agent):
    with sweepd.trial() as trial:
        trial.report(4, loss=0.31, acc=1)
        trial.report({"val/loss": math.nan})
        trial.report(step=5, loss=-math.inf)
    assert agent.wait_for(4) == [
        {"type": "hello", "client": f"python/{sweepd.__version__}"},
        {"type": "report", "step": 4, "metrics": {"loss": 0.31, "acc": 1.0}},
        {"type": "report", "metrics": {"val/loss": "NaN"}},
        {"type": "report", "step": 5, "metrics": {"loss": "-Infinity"}},
    ]
    assert agent.over.wait(5)


def test_checkpoint(agent, tmp_path):
    with sweepd.trial() as trial:
        assert not trial.should_checkpoint()
        for content in ("one", "two"):
            with trial.new_checkpoint(3) as directory:
                (directory / "w").write_text(content)
    # The first is not touched: until the second is durable, an attempt may have to go on from it.
    for told, name, content in zip(agent.wait_for(3)[1:], ("step-3", "step-3-2"), ("one", "two")):
        assert told["path"] == str(tmp_path / "c" / name)
        assert (told["type"], told["step"], told["bytes"]) == ("checkpoint", 3, 3)
        assert told["sha256"] == sweepd.digest(tmp_path / "c" / name)[0]
        assert (tmp_path / "c" / name / "w").read_text() == content
    assert sorted(entry.name for entry in (tmp_path / "c").iterdir()) == ["step-3", "step-3-2"]


def test_checkpoints_in_storage_of_ones_own(agent, monkeypatch):
    monkeypatch.setenv("SWEEPD_CHECKPOINT_DIR", "s3://bucket//digits/12/a99")
    monkeypatch.setenv("SWEEPD_RESUME_CHECKPOINT", "s3://bucket//digits/12/a7/9")
    monkeypatch.setenv("SWEEPD_RESUME_STEP", "9")
    with sweepd.trial() as trial:
        assert (trial.checkpoint, trial.resume_step) == (None, 9)
        assert trial.checkpoint_uri == "s3://bucket//digits/12/a7/9"
        assert trial.checkpoint_folder == "s3://bucket//digits/12/a99"
        with pytest.raises(RuntimeError, match=r"checkpoints: {path: …} is no folder but s3://bucket//.*record_"):
            trial.new_checkpoint(10).__enter__()
        trial.record_checkpoint(10, f"{trial.checkpoint_folder}/10")
        for wrong in ("/a/folder", "file:///a/folder", "digits/10", "s3://b/../c", None):
            with pytest.raises(ValueError, match="new_checkpoint saves into a folder"):
                trial.record_checkpoint(11, wrong)
    expected = {"type": "checkpoint", "step": 10, "uri": "s3://bucket//digits/12/a99/10"}
    assert agent.wait_for(2)[1] == expected


def test_a_recorded_checkpoint_ends_a_stop(agent):
    with sweepd.trial() as trial:
        agent.wait_for(1)
        agent.send({"type": "stop", "reason": "rung 1"})
        until_stopped(trial)
        trial.record_checkpoint(1, "s3://bucket/1")
        raise AssertionError("unreachable")
    assert agent.wait_for(2)[1]["type"] == "checkpoint"


def test_a_file_uri_is_a_folder(agent, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEPD_CHECKPOINT_DIR", f"file://{tmp_path}/c")
    monkeypatch.setenv("SWEEPD_RESUME_CHECKPOINT", f"file://{tmp_path}/old")
    with sweepd.trial() as trial:
        assert (trial.checkpoint, trial.checkpoint_folder) == (tmp_path / "old", tmp_path / "c")


def test_a_checkpoint_that_fails_leaves_nothing(agent, tmp_path):
    trial = sweepd.trial()
    with pytest.raises(OSError, match="full"), trial.new_checkpoint(3) as directory:
        (directory / "w").write_text("x")
        raise OSError("disk full")
    assert list((tmp_path / "c").iterdir()) == []


def test_a_stop_ends_at_the_next_report(agent):
    with sweepd.trial() as trial:
        agent.wait_for(1)
        agent.send({"type": "stop", "reason": "rung 1"})
        until_stopped(trial)
        trial.report(1, loss=1)
        raise AssertionError("unreachable")
    # It is reported nonetheless: it is a result.
    assert agent.wait_for(2)[1]["step"] == 1


def test_a_script_that_saves_gets_the_chance_to(agent):
    with sweepd.trial() as trial:
        trial.should_checkpoint()
        agent.wait_for(1)
        agent.send({"type": "stop", "reason": "rung 1"})
        until_stopped(trial)
        trial.report(1, loss=1)
        assert trial.should_checkpoint()
        with trial.new_checkpoint(1) as directory:
            (directory / "w").write_text("x")
        raise AssertionError("unreachable")
    assert [line["type"] for line in agent.wait_for(3)] == ["hello", "report", "checkpoint"]


def test_a_script_that_does_not_save_after_all_ends_one_report_later(agent):
    steps = []
    with sweepd.trial() as trial:
        trial.should_checkpoint()
        agent.wait_for(1)
        agent.send({"type": "stop", "reason": "rung 1"})
        until_stopped(trial)
        for step in range(5):
            trial.report(step, loss=1)
            steps.append(step)
    assert steps == [0]


def test_checkpoints_are_due_after_a_while(agent):
    trial = sweepd.trial(checkpoint_every=0.0)
    assert trial.should_checkpoint()
    assert not sweepd.trial(checkpoint_every=3600).should_checkpoint()
    assert not sweepd.trial(checkpoint_every=None).should_checkpoint()


def test_other_exceptions_are_not_swallowed(agent):
    with pytest.raises(KeyError), sweepd.trial():
        raise KeyError("x")
    with pytest.raises(TypeError, match="'loss'"), sweepd.trial() as trial:
        trial.report(1, loss="low")


def test_a_worker_that_goes_does_not_take_the_script_along(agent, capsys):
    with sweepd.trial() as trial:
        agent.wait_for(1)
        agent.close()
        for step in range(100):
            trial.report(step, loss=1.0)
            time.sleep(0.001)
    output = capsys.readouterr()
    assert output.err.count("sweepd: ") == 1
    assert "step 99 loss=1" in output.out


def test_no_worker_at_all(short_path, monkeypatch, capsys):
    monkeypatch.setenv("SWEEPD_TRIAL", "0")
    monkeypatch.setenv("SWEEPD_SOCKET", str(short_path / "nothing"))
    with sweepd.trial() as trial:
        trial.report(1, loss=2)
    output = capsys.readouterr()
    assert "cannot reach the worker" in output.err
    assert output.out == "step 1 loss=2\n"


def test_nonsense_from_the_worker_is_no_reason_to_die(agent, capsys):
    with sweepd.trial() as trial:
        agent.wait_for(1)
        agent.connection.sendall(b'nonsense\n[1]\n{"type":"new"}\n{"type":"error","message":"no"}\n{"type":"stop"')
        agent.connection.sendall(b"}\n")
        until_stopped(trial)
    assert "no message" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("SEED", "x"), ("TRIAL", "1.5"), ("PARAMS", "/nowhere")])
def test_a_broken_environment_is_named(agent, monkeypatch, name, value):
    monkeypatch.setenv(f"SWEEPD_{name}", value)
    with pytest.raises(RuntimeError, match=f"SWEEPD_{name}"):
        sweepd.trial()


def test_outside_a_sweep(tmp_path):
    text = """
        import sys, sweepd
        assert "zmq" not in sys.modules and "numpy" not in sys.modules
        with sweepd.trial(defaults={"lr": 0.1, "units": 8}) as trial:
            print(trial.params.lr, trial.params.units, trial.seed, trial.sweep, trial.checkpoint, trial.max_step)
            trial.report(1, loss=0.5)
            with trial.new_checkpoint(1) as directory:
                (directory / "w").write_text("x")
            raise sweepd.TrialStopped
    """
    process = subprocess.run(
        [sys.executable, "-S", "-c", textwrap.dedent(text), "--lr", "0.5", "--seed=3"],
        env={"PYTHONPATH": str(SOURCE)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.stderr == ""
    assert process.returncode == 0
    assert process.stdout.splitlines() == [
        "0.5 8 3 None None None", "step 1 loss=0.5", f"checkpoint {tmp_path}/checkpoints/step-1",
    ]  # fmt: skip


TRAINING = """
    import sweepd, time
    with sweepd.trial() as trial:
        for step in range(2000):
            trial.report(step, loss=1)
            if trial.should_checkpoint():
                with trial.new_checkpoint(step) as directory:
                    (directory / "w").write_text("x")
            time.sleep(0.005)
"""


def test_a_whole_script_stops_quietly(agent):
    agent.stop_at = 3
    process = script(TRAINING)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")
    assert agent.lines[-1]["type"] == "checkpoint"
    assert agent.lines[-1]["step"] <= 5


def test_sigterm_is_a_request_for_a_checkpoint(agent):
    process = script(TRAINING)
    agent.wait_for(3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert agent.lines[-1]["type"] == "checkpoint"


LONG_STEP = """
    import sweepd, time
    with sweepd.trial() as trial:
        trial.report(0, loss=1)
        print("ready", flush=True)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.01)
"""


def test_a_second_sigterm_insists(agent):
    process = script(LONG_STEP)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_the_workers_sigterm_after_its_stop_insists(agent):
    process = script(LONG_STEP)
    assert process.stdout.readline() == "ready\n"
    agent.wait_for(1)
    agent.send({"type": "stop", "reason": "rung 1"})
    time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_a_checkpoint_that_is_being_written_is_not_interrupted(agent):
    process = script("""
        import sweepd, time
        with sweepd.trial() as trial:
            with trial.new_checkpoint(1) as directory:
                print("ready", flush=True)
                time.sleep(0.5)
                (directory / "w").write_text("x")
    """)
    assert process.stdout.readline() == "ready\n"
    agent.wait_for(1)
    agent.send({"type": "stop", "reason": "rung 1"})
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert agent.wait_for(2)[1]["type"] == "checkpoint"
