# SPDX-License-Identifier: MIT
"""`sweepd.worker()` against a coordinator that may lose and repeat what is said."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from fake_coordinator import FakeCoordinator

import sweepd
from sweepd import _link


@pytest.fixture
def start(serve, short_path):
    """Return what starts a coordinator of this machine; each has an endpoint of its own."""
    numbers = itertools.count()
    return lambda trials, **options: serve(f"ipc://{short_path}/c{next(numbers)}", trials, **options)


def drained(coordinator: FakeCoordinator) -> None:
    """Drain the workers once all trials are over."""

    def watch() -> None:
        while coordinator.done < coordinator.total and coordinator.is_alive():
            time.sleep(0.01)
        coordinator.drain = True

    threading.Thread(target=watch, daemon=True).start()


def kinds(coordinator: FakeCoordinator, trial: int = 0) -> list[str]:
    return [event["kind"] for event in coordinator.events(trial)]


def last(coordinator: FakeCoordinator, trial: int = 0) -> dict:
    return coordinator.events(trial)[-1]


def wait_for(condition) -> None:
    """What the worker said last may still be on its way when it has returned."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def said_bye(coordinator: FakeCoordinator, reason: str) -> None:
    wait_for(lambda: coordinator.bye is not None)
    assert coordinator.bye == reason


def run(start, function, trials: int = 1, **options) -> FakeCoordinator:
    coordinator = start(trials, **options)
    drained(coordinator)
    assert sweepd.worker(function, coordinator.endpoint) == trials
    return coordinator


def test_a_sweep(start):
    seen = []

    def train(trial):
        assert threading.current_thread() is threading.main_thread()
        seen.append(trial.number)
        assert (trial.params.lr, trial.params.opt.name, trial.seed) == (0.1, "sgd", 2**63 + 5)
        assert (trial.sweep, trial.metric, trial.attempt) == ("test", "loss", 1)
        trial.report(1, loss=2.0, acc=math.nan)
        trial.report(loss=1.0)

    coordinator = run(start, train, trials=30)
    assert sorted(seen) == list(range(30))
    said_bye(coordinator, "drained")
    for trial in range(30):
        assert kinds(coordinator, trial) == ["started", "report", "report", "finished"]
        first, second = coordinator.events(trial)[1:3]
        assert (first["step"], first["metrics"]) == (1, {"loss": 2.0, "acc": "NaN"})
        assert (second["step"], second["metrics"]) == (2, {"loss": 1.0})
        assert last(coordinator, trial)["outcome"] == "completed"
        assert last(coordinator, trial)["resources"]["seconds"] >= 0


@pytest.mark.parametrize("seed", range(3))
def test_losses_and_repetitions(start, seed, monkeypatch):
    monkeypatch.setattr("sweepd._session.FIRST_RESEND", 0.2)
    monkeypatch.setattr("sweepd._session.LAST_RESEND", 0.4)
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)

    def train(trial):
        for step in range(7):
            trial.report(step, loss=step)

    coordinator = start(25, heartbeat=0.1, window=5, faults=0.15, seed=seed)
    drained(coordinator)
    sweepd.worker(train, coordinator.endpoint)
    assert coordinator.done == 25
    for attempt in coordinator.attempts.values():
        if attempt["over"]:
            assert [event["seq"] for event in attempt["events"]] == list(range(1, 10)), f"seed {seed}"


def test_a_session_that_is_forgotten(start):
    def train(trial):
        for step in range(20):
            trial.report(step, loss=step)
            time.sleep(0.005)
            if step == 10:
                coordinator.forget_session = True

    coordinator = start(2)
    drained(coordinator)
    sweepd.worker(train, coordinator.endpoint, prefetch=0)
    assert len(coordinator.hellos) >= 2
    assert len({hello["boot"] for hello in coordinator.hellos}) == 1
    assert kinds(coordinator, 1) == ["started"] + ["report"] * 20 + ["finished"]


def test_a_coordinator_that_starts_late_and_falls_silent(start):
    coordinator = start(1, heartbeat=0.1)

    def train(trial):
        trial.report(1, loss=1)
        coordinator.silent = True
        time.sleep(0.6)
        coordinator.silent = False
        trial.report(2, loss=1)

    drained(coordinator)
    sweepd.worker(train, coordinator.endpoint)
    assert len(coordinator.hellos) >= 2
    assert kinds(coordinator) == ["started", "report", "report", "finished"]


def raising(error: BaseException):
    def train(trial):
        trial.report(1, loss=1.0)
        raise error

    return train


class OutOfMemoryError(RuntimeError):
    """As accelerators' libraries have it."""


@pytest.mark.parametrize(
    ("function", "cause", "message"),
    [
        (raising(ValueError("bad\nshape")), "user", "ValueError: bad shape"),
        (raising(MemoryError()), "memory", "MemoryError"),
        (raising(OutOfMemoryError("2 GiB")), "memory", "OutOfMemoryError: 2 GiB"),
        (raising(SystemExit(3)), "user", "exit code 3"),
        (raising(SystemExit("usage")), "user", "exit code 1"),
        (lambda trial: None, "user", "no metric 'loss' was reported"),
        (lambda trial: trial.report(1, los=1), "user", "no metric 'loss' was reported"),
        (lambda trial: math.nan, "diverged", "loss was nan at the end"),
        (lambda trial: trial.report(1, loss=math.inf), "diverged", "loss was inf at the end"),
        (lambda trial: "low", "user", "TypeError: metric 'loss' must be a real number, not 'low' (str)"),
        (lambda trial: trial.report(1, {str(n) * 40: 1 for n in range(9999)}), "user", None),
    ],
)
def test_failures(start, function, cause, message):
    failure = last(run(start, function))["failure"]
    assert failure["cause"] == cause
    assert message is None or failure["message"] == message
    assert len(failure["tail"].encode()) <= 8192
    assert failure.get("exit_code") == {"exit code 3": 3, "exit code 1": 1}.get(message)


def test_the_tail_is_the_end_of_the_traceback(start):
    def train(trial):
        raise ValueError("ä" * 20_000 + "the end")

    failure = last(run(start, lambda trial: 1 / 0))["failure"]
    assert "_attempt" not in failure["tail"] and "1 / 0" in failure["tail"]
    failure = last(run(start, train))["failure"]
    assert failure["tail"].endswith("the end\n")
    assert 8000 < len(failure["tail"].encode()) <= 8192
    assert len(failure["message"]) <= 500


@pytest.mark.parametrize("result", [0.5, {"loss": 0.5}, SystemExit(0)])
def test_results(start, result):
    def train(trial):
        if isinstance(result, SystemExit):
            trial.report(loss=0.5)
            raise result
        return result

    coordinator = run(start, train)
    assert kinds(coordinator) == ["started", "report", "finished"]
    assert coordinator.events(0)[1]["metrics"] == {"loss": 0.5}


def test_stop_with_a_last_checkpoint(start, short_path):
    def train(trial):
        for step in range(1, 2000):
            trial.report(step, loss=1)
            coordinator.desired[1] = ("stop", "rung 1")
            if trial.should_checkpoint():
                with trial.new_checkpoint(step) as directory:
                    (directory / "w").write_text("x")
            time.sleep(0.005)

    coordinator = start(1, heartbeat=0.05)
    drained(coordinator)
    sweepd.worker(train, coordinator.endpoint, data=short_path)
    told, end = coordinator.events(0)[-2:]
    assert (end["kind"], end["outcome"]) == ("finished", "stopped")
    assert told["location"] == f"{short_path}/attempts/1/0/a1/checkpoints/step-{told['step']}"
    assert (told["digest"], told["bytes"]) == sweepd.digest(told["location"])


def test_abandon(start):
    ended = []

    def train(trial):
        coordinator.desired[coordinator.fence] = ("abandon", "cancelled") if trial.number == 0 else ("run", "")
        for step in range(40):
            trial.report(step, loss=1)
            time.sleep(0.01)
        ended.append(trial.number)

    coordinator = start(2, heartbeat=0.05)
    assert sweepd.worker(train, coordinator.endpoint, prefetch=0, idle_timeout=0.3) >= 1
    assert 0 not in ended
    assert "finished" not in kinds(coordinator, 0)


def test_resume(start, tmp_path):
    checkpoint = {"step": 9, "location": str(tmp_path), "digest": "", "bytes": 0}

    def train(trial):
        assert (trial.checkpoint, trial.resume_step, trial.max_step) == (tmp_path, 9, 12)
        trial.report(loss=1)

    coordinator = run(start, train, lease={"resume": checkpoint, "max_step": 12})
    assert kinds(coordinator) == ["started", "report", "finished"]
    assert coordinator.events(0)[0]["resumed_from"] == 9
    assert coordinator.events(0)[1]["step"] == 10


def test_a_resumed_attempt_may_have_nothing_left_to_do(start, tmp_path):
    checkpoint = {"step": 9, "location": str(tmp_path), "digest": "", "bytes": 0}
    assert last(run(start, lambda trial: None, lease={"resume": checkpoint}))["outcome"] == "completed"


def saved(folder: Path, step: int, content: str = "w") -> dict:
    folder.mkdir()
    (folder / "w").write_text(content)
    digest, size = sweepd.digest(folder)
    return {"step": step, "location": str(folder), "digest": digest, "bytes": size}


def test_a_damaged_checkpoint_gives_way_to_the_one_before(start, tmp_path):
    new, old = saved(tmp_path / "new", 15), saved(tmp_path / "old", 10)
    (tmp_path / "new" / "w").write_text("x")

    def train(trial):
        assert (trial.checkpoint, trial.resume_step) == (tmp_path / "old", 10)
        trial.report(loss=1)

    coordinator = run(start, train, lease={"resume": new, "fallbacks": [old]})
    assert kinds(coordinator) == ["started", "warning", "report", "finished"]
    began, warning, report = coordinator.events(0)[:3]
    assert (began["resumed_from"], report["step"]) == (10, 11)
    assert warning["text"] == (
        f"the checkpoint of step 15 at {tmp_path}/new is damaged (its digest differs); going on from the one of step 10"
    )


def test_without_a_whole_checkpoint_the_trial_starts_from_the_beginning(start):
    def train(trial):
        assert (trial.checkpoint, trial.checkpoint_uri, trial.resume_step) == (None, None, 0)

    missing = {"step": 15, "location": "/other/machine/15", "digest": "", "bytes": 0}
    coordinator = run(start, train, lease={"resume": missing})
    # It has everything left to do, so silence is a failure.
    assert kinds(coordinator) == ["started", "warning", "failed"]
    assert "resumed_from" not in coordinator.events(0)[0]
    assert coordinator.events(0)[1]["text"].endswith("the trial starts from the beginning")


def test_checkpoints_go_where_the_lease_says(start, tmp_path):
    def train(trial):
        assert trial.checkpoint_folder.is_dir()
        with trial.new_checkpoint(1) as directory:
            (directory / "w").write_text("x")
        trial.report(loss=1)

    for prefix, folder in (("", "a"), ("file://", "b")):
        place = tmp_path / folder / "t" / "0"
        coordinator = run(start, train, lease={"checkpoint_directory": f"{prefix}{place}"})
        assert coordinator.events(0)[1]["location"] == str(place / "step-1")


def test_checkpoints_in_storage_of_ones_own(start):
    def train(trial):
        assert (trial.checkpoint, trial.resume_step) == (None, 4)
        assert (trial.checkpoint_uri, trial.checkpoint_folder) == ("s3://b//4", "s3://b//a1")
        trial.record_checkpoint(5, f"{trial.checkpoint_folder}/5")
        trial.report(loss=1)

    resume = {"step": 4, "location": "s3://b//4", "digest": "", "bytes": 0}
    coordinator = run(start, train, lease={"resume": resume, "checkpoint_directory": "s3://b//a1"})
    told = coordinator.events(0)[1]
    assert (told["location"], told["digest"], told["bytes"]) == ("s3://b//a1/5", "", 0)


def test_a_folder_that_cannot_be_made_is_the_users_affair(start, tmp_path):
    (tmp_path / "file").touch()
    coordinator = run(start, lambda trial: 1.0, lease={"checkpoint_directory": f"{tmp_path}/file/t"})
    assert kinds(coordinator) == ["failed"]
    failure = last(coordinator)["failure"]
    assert failure["cause"] == "user"
    assert failure["message"].startswith(f"cannot make the checkpoint folder '{tmp_path}/file/t': ")
    assert "checkpoints: {path: …} must be a folder" in failure["message"]


@pytest.mark.parametrize("end", ["stop", "abandon", "signal"])
def test_what_is_being_prepared_can_be_ended(start, tmp_path, end):
    """Minutes of reading hold up neither the beats nor the end."""
    huge = saved(tmp_path / "huge", 15)
    os.truncate(tmp_path / "huge" / "w", 1 << 40)
    coordinator = start(1, heartbeat=0.05, lease={"resume": huge})
    beats = []

    def watch():
        while not (coordinator.attempts.get(1) or {}).get("accepted"):
            time.sleep(0.01)
        before = coordinator.received
        while coordinator.received < before + 5:
            time.sleep(0.01)
        beats.append(coordinator.received)
        coordinator.lease.clear()
        if end == "signal":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            coordinator.desired[1] = (end, "enough")

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.monotonic()
    sweepd.worker(lambda trial: 1.0, coordinator.endpoint, prefetch=0, idle_timeout=0.5)
    thread.join()
    assert beats and time.monotonic() - began < 10
    assert coordinator.attempts[1]["events"] == []
    if end != "abandon":
        wait_for(lambda: coordinator.declined)
        assert coordinator.declined[0] == (1, "enough" if end == "stop" else "SIGTERM")


def test_a_step_that_goes_backwards_is_kept_and_warned_of_once(start):
    def train(trial):
        for step in (3, 2, 1):
            trial.report(step, loss=1)
        trial.report(loss=1)

    coordinator = run(start, train)
    assert kinds(coordinator) == ["started", "report", "warning", "report", "report", "report", "finished"]
    assert [event["step"] for event in coordinator.events(0) if event["kind"] == "report"] == [3, 2, 1, 4]


def test_time_limit(start):
    def train(trial):
        for step in range(1000):
            trial.report(step, loss=1)
            time.sleep(0.01)

    assert last(run(start, train, lease={"time_limit_ms": 100}))["failure"]["cause"] == "timeout"


def test_a_wrong_digest_is_declined(start):
    coordinator = start(1, lease={"params_digest": "0" * 64})
    assert sweepd.worker(lambda trial: 1.0, coordinator.endpoint, idle_timeout=0.5) == 0
    assert "digest" in coordinator.declined[0][1]


def test_draining_declines_what_has_not_begun(start):
    def train(trial):
        coordinator.drain = True
        for step in range(60):
            trial.report(step, loss=1)
            time.sleep(0.01)

    coordinator = start(5, heartbeat=0.05)
    assert sweepd.worker(train, coordinator.endpoint, prefetch=3) == 1
    assert [reason for _, reason in coordinator.declined] == ["drained"] * 3
    assert last(coordinator)["kind"] == "finished"


def test_slots(start):
    running, most = set(), []

    def train(trial):
        running.add(trial.number)
        most.append(len(running))
        for step in range(5):
            trial.report(step, loss=1)
            time.sleep(0.02)
        running.remove(trial.number)

    coordinator = start(8)
    drained(coordinator)
    assert sweepd.worker(train, coordinator.endpoint, slots=4, prefetch=0) == 8
    assert max(most) > 1
    assert coordinator.hellos[0]["slots"] == 4


def test_sigterm_stops_the_trial_and_says_bye(start):
    def train(trial):
        os.kill(os.getpid(), signal.SIGTERM)
        for step in range(1000):
            trial.report(step, loss=1)

    coordinator = start(3)
    before = signal.getsignal(signal.SIGTERM)
    sweepd.worker(train, coordinator.endpoint)
    deadline = time.monotonic() + 5
    while coordinator.bye is None and time.monotonic() < deadline:
        time.sleep(0.01)
    said_bye(coordinator, "SIGTERM")
    # The trial is not over: the bye gives it back.
    assert set(kinds(coordinator)) <= {"started", "report"}
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_signal_does_not_wait_for_the_function(start):
    def train(trial):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    coordinator = start(1)
    with pytest.raises(KeyboardInterrupt):
        sweepd.worker(train, coordinator.endpoint)


def test_a_fatal_refusal(short_path):
    class Refusing(FakeCoordinator):
        def _handle(self, socket, message):
            self._send(socket, "error", s="", code="version", message="install the same release", fatal=True)

    coordinator = Refusing(f"ipc://{short_path}/r", 1)
    coordinator.start()
    with pytest.raises(sweepd.WorkerRefused, match="same release"):
        sweepd.worker(lambda trial: 1.0, coordinator.endpoint)
    coordinator.stop()


def test_where_the_coordinator_is_found(start, short_path, monkeypatch):
    monkeypatch.setattr(sweepd._worker, "_PATIENCE", 0.2)
    with pytest.raises(FileNotFoundError, match="no coordinator found"):
        sweepd.worker(lambda trial: 1.0, data=short_path / "nowhere")
    with pytest.raises(ValueError, match="ipc:///"):
        sweepd.worker(lambda trial: 1.0, "udp://here")
    with pytest.raises(ValueError, match="107"):
        sweepd.worker(lambda trial: 1.0, "ipc:///" + "x" * 120)
    (short_path / "endpoint.json").write_text("[]")
    with pytest.raises(ValueError, match="endpoint.json"):
        sweepd.worker(lambda trial: 1.0, data=short_path)
    coordinator = start(1)
    drained(coordinator)
    (short_path / "endpoint.json").write_text(json.dumps({"workers": coordinator.endpoint}))
    assert sweepd.worker(lambda trial: 1.0, data=short_path) == 1
    coordinator = start(1)
    drained(coordinator)
    (short_path / "endpoint.json").unlink()
    monkeypatch.setattr(sweepd._worker, "_PATIENCE", 10)
    text = json.dumps({"workers": coordinator.endpoint})
    threading.Timer(0.3, lambda: (short_path / "endpoint.json").write_text(text)).start()
    assert sweepd.worker(lambda trial: 1.0, data=short_path) == 1
    coordinator = start(1)
    drained(coordinator)
    monkeypatch.setenv("SWEEPD_ENDPOINT", coordinator.endpoint)
    assert sweepd.worker(lambda trial: 1.0, data=Path("/nowhere")) == 1


def test_a_coordinator_that_ended_without_a_word_is_not_waited_for(start, short_path):
    """Its drain was lost; that it removed `endpoint.json` says the same."""
    coordinator = start(2)
    file = short_path / "endpoint.json"
    file.write_text(json.dumps({"workers": coordinator.endpoint}))
    ended_at: list[float] = []

    def end():
        while coordinator.done < 2:
            time.sleep(0.01)
        # While it answers, a missing file says nothing; while the file is there, silence says nothing.
        coordinator.silent = True
        time.sleep(1.6)
        ended_at.append(time.monotonic())
        file.unlink()

    thread = threading.Thread(target=end)
    thread.start()
    assert sweepd.worker(lambda trial: 1.0, data=short_path) == 2
    thread.join()
    assert time.monotonic() - ended_at[0] < 5


def test_a_window_of_our_own(start, monkeypatch):
    def train(trial):
        for step in range(200):
            trial.report(step, loss=1.0)

    for given, text in ((None, ""), (2, ""), (None, "2"), (2, "7")):
        monkeypatch.setenv("SWEEPD_WINDOW", text)
        coordinator = start(1)
        drained(coordinator)
        sweepd.worker(train, coordinator.endpoint, window=given)
        assert (coordinator.largest_batch <= 2) == (given == 2 or text == "2")
    for wrong in ("0", "-1", "x", "1.5"):
        monkeypatch.setenv("SWEEPD_WINDOW", wrong)
        with pytest.raises(ValueError, match="window"):
            sweepd.worker(train, coordinator.endpoint)


def test_nobody_there(short_path):
    began = time.monotonic()
    assert sweepd.worker(lambda trial: 1.0, f"ipc://{short_path}/none", offline_timeout=0.3) == 0
    # It cannot know whether there is nothing to do.
    options = {"idle_timeout": 0.1, "offline_timeout": 0.6}
    assert sweepd.worker(lambda trial: 1.0, f"ipc://{short_path}/none", **options) == 0
    assert 0.9 < time.monotonic() - began < 5


def test_a_coordinator_that_is_away_makes_nobody_idle(start, monkeypatch):
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)
    coordinator = start(1, heartbeat=0.05)
    back = []

    def restart():
        wait_for(lambda: coordinator.done)
        coordinator.down = True
        time.sleep(1.5)
        back.append(time.monotonic())
        coordinator.queue.append(0)
        coordinator.down = False

    thread = threading.Thread(target=restart)
    thread.start()
    assert sweepd.worker(lambda trial: 1.0, coordinator.endpoint, prefetch=0, idle_timeout=0.6) == 2
    thread.join()
    assert time.monotonic() - back[0] > 0.6


def loses_its_coordinator(coordinator):
    """Return a function to train that ends while the coordinator, which drains, is away."""

    def train(trial):
        coordinator.drain = True
        trial.report(1, loss=1)
        wait_for(lambda: len(coordinator.events(0)) == 2)
        time.sleep(0.2)
        coordinator.down = True
        wait_for(lambda: coordinator.session == "")

    return train


def test_a_drained_worker_waits_until_its_result_is_taken(start, monkeypatch, capfd):
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)
    monkeypatch.setattr(_link, "_FAREWELL", 0.1)
    monkeypatch.setattr(_link, "_SILENT_WAIT", 0.2)
    coordinator = start(1, heartbeat=0.05)
    train = loses_its_coordinator(coordinator)

    def come_back():
        wait_for(lambda: coordinator.down)
        time.sleep(1.0)
        coordinator.down = False

    thread = threading.Thread(target=come_back)
    thread.start()
    assert sweepd.worker(train, coordinator.endpoint) == 1
    thread.join()
    assert kinds(coordinator) == ["started", "report", "finished"]
    wait_for(lambda: coordinator.bye)
    told = capfd.readouterr().err
    assert told.count("waiting for the coordinator") == 1
    assert "1 event of trial 0 of sweep 1 (attempt 1)" in told and "lost" not in told


def test_what_nobody_took_is_named(start, monkeypatch, capfd):
    coordinator = start(1, heartbeat=0.05)
    with pytest.raises(sweepd.ResultsLost, match="1 event of trial 0 of sweep 1"):
        sweepd.worker(loses_its_coordinator(coordinator), coordinator.endpoint, offline_timeout=0.5)
    assert "lost with this worker" in capfd.readouterr().err
    assert kinds(coordinator) == ["started", "report"]


def test_after_a_signal_the_wait_is_short_and_a_second_one_ends_it(start, monkeypatch, capfd):
    monkeypatch.setattr(_link, "_LAST_WAIT", 1.0)

    def signalled(coordinator, *numbers):
        wait_for(lambda: coordinator.down)
        for number in numbers:
            time.sleep(0.7)
            os.kill(os.getpid(), number)

    coordinator = start(1, heartbeat=0.05)
    threading.Thread(target=signalled, args=(coordinator, signal.SIGTERM)).start()
    with pytest.raises(sweepd.ResultsLost):
        sweepd.worker(loses_its_coordinator(coordinator), coordinator.endpoint)
    monkeypatch.setattr(_link, "_LAST_WAIT", 60.0)
    coordinator = start(1, heartbeat=0.05)
    threading.Thread(target=signalled, args=(coordinator, signal.SIGINT, signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        sweepd.worker(loses_its_coordinator(coordinator), coordinator.endpoint)
    assert time.monotonic() - began < 20
    assert capfd.readouterr().err.count("lost with this worker") == 2


def test_throughput(start):
    """No-op trials with one report each; the goal is 1,500 a second, and a loaded machine is no reason to fail."""
    coordinator = start(3000)
    drained(coordinator)
    began = time.monotonic()
    sweepd.worker(lambda trial: trial.report(1, loss=0.5), coordinator.endpoint)
    rate = 3000 / (coordinator.finished_at - began)
    print(f"{rate:.0f} trials/s, {coordinator.received} messages, up to {coordinator.largest_batch} events in one")
    assert rate > 500
    assert coordinator.received < 2.5 * 3000
