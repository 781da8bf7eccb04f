# SPDX-License-Identifier: MIT
"""`sweepd.worker()` over TCP: invitations, keys, and a coordinator that goes and comes."""

from __future__ import annotations

import io
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fake_coordinator import FakeCoordinator
from fake_gate import Gate, keypair, token

import sweepd
from sweepd import _connection, _curve, _enrol, _link, _worker

DAEMON = "tcp://127.0.0.1:*"


@pytest.fixture
def start(serve):
    """Return what starts a coordinator that asks for keys."""
    return lambda trials, **options: serve(DAEMON, trials, **{"gate": Gate(), "heartbeat": 0.1, **options})


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "config" / "worker.json"


def enrolled(coordinator: FakeCoordinator, file: Path, *endpoints: str) -> Path:
    """Write the file that an enrolment would have left."""
    public, secret = keypair()
    coordinator.gate.users[public] = "worker:w"
    _connection.write(
        file,
        _connection.Connection("worker", "w", endpoints or (coordinator.endpoint,), coordinator.gate.public, secret),
    )
    return file


def drained(coordinator: FakeCoordinator) -> None:
    def watch() -> None:
        while coordinator.done < coordinator.total and coordinator.is_alive():
            time.sleep(0.01)
        coordinator.drain = True

    threading.Thread(target=watch, daemon=True).start()


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kinds(coordinator: FakeCoordinator, trial: int = 0) -> list[str]:
    return [event["kind"] for event in coordinator.events(trial)]


def test_an_invitation_on_standard_input_is_all_it_takes(start, file, monkeypatch, capfd):
    coordinator = start(3)
    drained(coordinator)
    invitation = coordinator.gate.invitation(coordinator.endpoint)
    monkeypatch.setattr("sys.stdin", io.StringIO(invitation + "\nanother line"))
    assert sweepd.worker(lambda trial: 1.0, join="-", connection=file, labels=["gpu", "a100"]) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    connection = _connection.read(file)
    assert connection.name in coordinator.gate.names.values()
    assert coordinator.users == {"enrol:0", f"worker:{connection.name}"}
    (hello,) = coordinator.hellos
    offer = {"versions": [1, 2], "labels": ["gpu", "a100"], "tasks": {}, "commands": True, "function": True}
    assert {name: hello[name] for name in offer} == offer
    told = "".join(capfd.readouterr())
    assert connection.name in told and str(file) in told
    for secret in (invitation, connection.secret):
        assert secret not in told and secret not in repr(connection)

    # From now on the file is enough.
    again = start(1, gate=coordinator.gate)
    drained(again)
    enrolled_there = connection._replace(endpoints=(again.endpoint,))
    _connection.write(file, enrolled_there)
    assert sweepd.worker(lambda trial: 1.0, connection=file) == 1
    assert len(coordinator.gate.requests) == 1


def test_an_invitation_in_the_environment_is_inherited_by_nobody(start, file, monkeypatch):
    coordinator = start(1)
    drained(coordinator)
    monkeypatch.setenv("SWEEPD_JOIN", coordinator.gate.invitation(coordinator.endpoint))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parent))

    def train(trial):
        text = "import os; print('SWEEPD_JOIN' in os.environ)"
        said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        assert said.stdout == "False\n"
        return 1.0

    assert sweepd.worker(train) == 1
    assert (file.parent / "sweepd" / "worker.json").exists()
    assert kinds(coordinator) == ["started", "report", "finished"]


def test_an_invitation_in_a_file_must_be_for_our_eyes_only(start, file, tmp_path):
    coordinator = start(1)
    drained(coordinator)
    place = tmp_path / "invitation"
    place.write_text(coordinator.gate.invitation(coordinator.endpoint))
    place.chmod(0o644)
    with pytest.raises(ValueError, match="may be read by others"):
        sweepd.worker(lambda trial: 1.0, join=place, connection=file)
    place.chmod(0o600)
    assert sweepd.worker(lambda trial: 1.0, join=str(place), connection=file) == 1


def test_an_invitation_is_no_argument(file):
    public, secret = keypair()
    text = token(v=1, role="worker", endpoints=["tcp://h:1"], server=public, secret=secret, expires=1 << 40)
    with pytest.raises(ValueError, match="must not stand in a program") as raised:
        sweepd.worker(lambda trial: 1.0, join=text, connection=file)
    assert text[8:] not in str(raised.value)
    with pytest.raises(ValueError, match="endpoint= is for"):
        sweepd.worker(lambda trial: 1.0, "ipc:///x", join="-")
    with pytest.raises(ValueError, match="needs keys"):
        sweepd.worker(lambda trial: 1.0, "tcp://h:1")


@pytest.mark.parametrize("labels", [["-x"], [""], ["a b"], ["x" * 65], [str(n) for n in range(33)], [7]])
def test_labels_are_words(labels):
    with pytest.raises(ValueError, match="labels are"):
        sweepd.worker(lambda trial: 1.0, labels=labels)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(start, file, monkeypatch):
    monkeypatch.setattr(_enrol, "FIRST_RETRY", 0.1)
    coordinator = start(1)
    coordinator.gate.lose = 2
    drained(coordinator)
    monkeypatch.setenv("SWEEPD_JOIN", coordinator.gate.invitation("tcp://127.0.0.1:1", coordinator.endpoint))
    monkeypatch.setattr(_link, "_UNHEARD", 0.0)
    monkeypatch.setattr("sweepd._session.DEFAULT_HEARTBEAT", 0.05)
    assert sweepd.worker(lambda trial: 1.0, connection=None, data=file.parent) == 1
    keys = [request["key"] for request in coordinator.gate.requests]
    assert len(keys) == 3 and len(set(keys)) == 1


@pytest.fixture(autouse=True)
def no_home(tmp_path, monkeypatch):
    """Whoever runs the tests may have a connection file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


def refused_enrolment(coordinator: FakeCoordinator, file: Path, monkeypatch, invitation: str | None = None) -> str:
    monkeypatch.setenv("SWEEPD_JOIN", invitation or coordinator.gate.invitation(coordinator.endpoint))
    with pytest.raises((ValueError, RuntimeError)) as raised:
        sweepd.worker(lambda trial: 1.0)
    assert raised.value.__cause__ is None
    assert not _connection.default_path().exists()
    return str(raised.value)


def test_enrolments_that_fail_say_why(start, file, monkeypatch):
    monkeypatch.setattr(_enrol, "PATIENCE", 0.3)
    coordinator = start(1)
    gate = coordinator.gate
    gate.refusal = "this invitation was used up"
    assert "used up" in refused_enrolment(coordinator, file, monkeypatch)
    gate.refusal, gate.lose = None, 99
    assert "does not answer the enrolment" in refused_enrolment(coordinator, file, monkeypatch)
    unknown = gate.invitation(coordinator.endpoint)
    gate.users.clear()
    assert "does not accept this invitation" in refused_enrolment(coordinator, file, monkeypatch, unknown)
    nobody = gate.invitation("tcp://127.0.0.1:1")
    text = refused_enrolment(coordinator, file, monkeypatch, nobody)
    assert "tcp://127.0.0.1:1" in text and "firewall" in text
    other = Gate().invitation(coordinator.endpoint)
    assert "not the coordinator of this invitation" in refused_enrolment(coordinator, file, monkeypatch, other)
    assert "for an operator" in refused_enrolment(
        coordinator, file, monkeypatch, gate.invitation(coordinator.endpoint, role="operator")
    )


def test_a_revoked_key_ends_the_worker(start, file):
    coordinator = start(1)
    enrolled(coordinator, file)
    coordinator.gate.users.clear()
    with pytest.raises(sweepd.WorkerRefused, match="does not accept this worker's key: it was revoked") as raised:
        sweepd.worker(lambda trial: 1.0, connection=file)
    assert coordinator.endpoint in str(raised.value)
    assert _connection.read(file).secret not in str(raised.value)


def lock_out(coordinator: FakeCoordinator) -> dict[str, str]:
    """Cut the connections and let nobody in: the worker cannot know who it is that refuses. Return who was let in."""
    users = dict(coordinator.gate.users)
    coordinator.gate.users.clear()
    coordinator.down = True
    time.sleep(0.1)
    coordinator.down = False
    return users


def test_a_refused_handshake_ends_no_training(start, file, monkeypatch, capfd):
    monkeypatch.setattr(_link, "_FIRST_RETRY", 0.1)
    refused = []
    hear = _link.Link._hear_refusal

    def remember(link, place, now):
        refused.append(link._handshakes)
        hear(link, place, now)

    monkeypatch.setattr(_link.Link, "_hear_refusal", remember)
    coordinator = start(1)
    enrolled(coordinator, file)
    drained(coordinator)

    def train(trial):
        trial.report(1, loss=1.0)
        users = lock_out(coordinator)
        # The second is on a socket that is new.
        wait_for(lambda: refused and refused[-1] is not refused[0])
        coordinator.gate.users.update(users)
        trial.report(2, loss=0.5)

    assert sweepd.worker(train, connection=file) == 1
    assert kinds(coordinator) == ["started", "report", "report", "finished"]
    assert capfd.readouterr().err.count("need not be the coordinator") == 1


def test_a_worker_that_is_refused_for_long_ends_with_its_trial(start, file, monkeypatch):
    monkeypatch.setattr(_link, "_FIRST_RETRY", 0.1)
    coordinator = start(1)
    enrolled(coordinator, file)
    told = []

    def train(trial):
        lock_out(coordinator)
        began = time.monotonic()
        try:
            for step in range(1, 2000):
                trial.report(step, loss=1.0)
                time.sleep(0.01)
        finally:
            told.append(time.monotonic() - began)

    with pytest.raises(sweepd.WorkerRefused, match="revoked"):
        sweepd.worker(train, connection=file, offline_run=0.5)
    assert len(told) == 1 and 0.4 < told[0] < 10


def test_a_revocation_that_is_said_is_fatal(start, file):
    coordinator = start(0)
    enrolled(coordinator, file)
    coordinator._handle = lambda socket, message: coordinator._send(
        socket, "error", s="", code="revoked", message="this worker's key was revoked", fatal=True
    )
    with pytest.raises(sweepd.WorkerRefused, match="was revoked"):
        sweepd.worker(lambda trial: 1.0, connection=file)


def test_another_coordinators_key_and_nobody_are_told_of(start, file, monkeypatch, capfd):
    monkeypatch.setattr(_link, "_UNHEARD", 0.2)
    coordinator = start(0)
    enrolled(coordinator, file)
    _connection.write(file, _connection.read(file)._replace(server=Gate().public))
    assert sweepd.worker(lambda trial: 1.0, connection=file, offline_timeout=1.0) == 0
    assert "does not have the coordinator's key" in capfd.readouterr().err
    enrolled(coordinator, file, "tcp://127.0.0.1:1")
    assert sweepd.worker(lambda trial: 1.0, connection=file, offline_timeout=0.5) == 0
    told = capfd.readouterr().err
    assert "no coordinator answers at tcp://127.0.0.1:1" in told and "firewall" in told
    assert told.count("firewall") == 1


def test_silence_has_the_next_endpoint_tried(start, file, monkeypatch):
    monkeypatch.setattr("sweepd._session.DEFAULT_HEARTBEAT", 0.1)
    coordinator = start(1)
    drained(coordinator)
    enrolled(coordinator, file, "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", coordinator.endpoint)
    assert sweepd.worker(lambda trial: 1.0, connection=file) == 1


def test_connections_that_come_to_nothing_leave_nothing_open(start, file, monkeypatch):
    monkeypatch.setattr("sweepd._session.DEFAULT_HEARTBEAT", 0.005)
    coordinator = start(0)
    enrolled(coordinator, file, "tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
    turns, counts = [], []
    turn = _worker._Joined.turn

    def counted(self):
        turns.append(self.find())
        counts.append(len(os.listdir("/proc/self/fd")))
        turn(self)

    monkeypatch.setattr(_worker._Joined, "turn", counted)
    sweepd.worker(lambda trial: 1.0, connection=file, offline_timeout=1.5)
    assert len(turns) > 8 and set(turns) == {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"}
    assert counts[-1] - counts[2] < 6, counts


def test_training_goes_on_without_a_coordinator_and_its_attempt_is_taken_up_again(start, file, monkeypatch):
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)
    coordinator = start(1)
    enrolled(coordinator, file)
    drained(coordinator)

    def train(trial):
        for step in range(1, 61):
            if step == 10:
                wait_for(lambda: len(coordinator.events(0)) >= 5)
                coordinator.down = True
            if step == 50:
                coordinator.down = False
            trial.report(step, loss=1.0)
            time.sleep(0.01)

    assert sweepd.worker(train, connection=file, prefetch=0) == 1
    assert list(coordinator.attempts) == [1]
    assert [event["step"] for event in coordinator.events(0) if event["kind"] == "report"] == list(range(1, 61))
    assert kinds(coordinator)[-1] == "finished"
    first, *later = coordinator.hellos
    assert later and later[-1]["boot"] == first["boot"]
    assert any(held["fence"] == 1 for hello in later for held in hello["running"])


def test_a_coordinator_that_comes_and_goes(start, file, monkeypatch):
    """Killed and started anew at any moment, on a network that loses and repeats: every event arrives, once."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for name, value in (("FIRST_RETRY", 0.1), ("FIRST_RESEND", 0.2), ("LAST_RESEND", 0.4)):
        monkeypatch.setattr(f"sweepd._session.{name}", value)
    coordinator = start(15, window=7, faults=0.05, seed=seed)
    enrolled(coordinator, file)
    drained(coordinator)
    ended = threading.Event()

    def disturb() -> None:
        for _ in range(4):
            ended.wait(chance.uniform(0.1, 0.6))
            coordinator.down = True
            ended.wait(chance.uniform(0.0, 0.5))
            coordinator.down = False

    def train(trial):
        for step in range(1, 11):
            trial.report(step, loss=1.0)
            time.sleep(chance.uniform(0, 0.02))

    thread = threading.Thread(target=disturb)
    thread.start()
    assert sweepd.worker(train, connection=file) == 15
    ended.set()
    thread.join()
    for fence, attempt in coordinator.attempts.items():
        kept = [event["seq"] for event in attempt["events"]]
        assert attempt["void"] or kept == list(range(1, 13)), (seed, fence, kept)


def test_an_attempt_that_was_given_to_another_meanwhile_is_abandoned(start, file, monkeypatch):
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)
    coordinator = start(1)
    enrolled(coordinator, file)
    ended = []

    def train(trial):
        wait_for(lambda: len(coordinator.events(0)) >= 1)
        coordinator.down = True
        wait_for(lambda: coordinator.session == "")
        coordinator.desired[1] = ("abandon", "superseded")
        coordinator.attempts[1]["void"] = True
        coordinator.down = False
        for step in range(1, 1000):
            trial.report(step, loss=1.0)
            time.sleep(0.01)
        ended.append(trial.number)

    sweepd.worker(train, connection=file, prefetch=0, idle_timeout=0.2)
    assert ended == [] and kinds(coordinator) == ["started"]


def test_after_a_long_time_alone_a_trial_saves_and_is_continued_later(start, file, monkeypatch, tmp_path):
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)
    coordinator = start(1)
    enrolled(coordinator, file)
    ended = threading.Event()

    def train(trial):
        wait_for(lambda: len(coordinator.events(0)) >= 1)
        coordinator.down = True
        try:
            for step in range(1, 2000):
                trial.report(step, loss=1.0)
                if trial.should_checkpoint():
                    with trial.new_checkpoint(step) as directory:
                        (directory / "w").write_text("x")
                time.sleep(0.01)
        finally:
            ended.set()

    def come_back():
        ended.wait(20)
        # It is still there: it has what nobody else has.
        time.sleep(0.7)
        coordinator.down = False

    threading.Thread(target=come_back, daemon=True).start()
    arguments = {"prefetch": 0, "idle_timeout": 0.2, "offline_run": 0.5, "offline_timeout": 0.6, "data": tmp_path}
    assert sweepd.worker(train, connection=file, **arguments) == 1
    told = coordinator.events(0)
    assert [event["kind"] for event in told[-2:]] == ["checkpoint", "failed"]
    assert told[-1]["failure"]["cause"] == "infrastructure"
    assert "no coordinator for 0.5 s" in told[-1]["failure"]["message"]
    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))


def test_a_full_spool_holds_reports_up_and_drops_none(start, file, monkeypatch, capfd):
    monkeypatch.setattr("sweepd._session.FIRST_RETRY", 0.1)
    monkeypatch.setattr("sweepd._session.BACKLOG_EVENTS", 50)
    coordinator = start(1)
    enrolled(coordinator, file)
    drained(coordinator)
    made: list[int] = []

    def come_back():
        wait_for(lambda: len(made) >= 49)
        time.sleep(0.5)
        assert len(made) <= 51
        coordinator.down = False

    waiting = threading.Thread(target=come_back)

    def train(trial):
        wait_for(lambda: coordinator.attempts[1]["events"])
        coordinator.down = True
        wait_for(lambda: coordinator.session == "")
        waiting.start()
        for step in range(1, 301):
            trial.report(step, loss=1.0)
            made.append(step)

    assert sweepd.worker(train, connection=file, prefetch=0) == 1
    waiting.join()
    assert kinds(coordinator) == ["started"] + ["report"] * 300 + ["finished"]
    assert capfd.readouterr().err.count("reports wait") == 1


def test_sigterm_hands_the_trial_back_with_a_last_checkpoint(start, file, tmp_path):
    coordinator = start(1)
    enrolled(coordinator, file)

    def train(trial):
        for step in range(1, 1000):
            trial.report(step, loss=1.0)
            if step == 5:
                os.kill(os.getpid(), signal.SIGTERM)
            if trial.should_checkpoint():
                with trial.new_checkpoint(step) as directory:
                    (directory / "w").write_text("x")
            time.sleep(0.005)

    sweepd.worker(train, connection=file, data=tmp_path)
    wait_for(lambda: coordinator.bye is not None)
    assert coordinator.bye == "SIGTERM"
    assert kinds(coordinator)[-1] == "checkpoint"


def test_an_attempts_folder_on_another_machine_is_not_made_here(start, file, tmp_path):
    coordinator = start(1, lease={"attempt_directory": str(tmp_path / "elsewhere")})
    enrolled(coordinator, file)
    drained(coordinator)

    def train(trial):
        with trial.new_checkpoint(1) as directory:
            (directory / "w").write_text("x")
        return 1.0

    assert sweepd.worker(train, connection=file, data=tmp_path / "data") == 1
    assert coordinator.events(0)[1]["location"].startswith(str(tmp_path / "data"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_coordinator_elsewhere_reaches_no_files_but_what_the_owner_named(start, file, tmp_path):
    shared, private, data = tmp_path / "shared", tmp_path / "private", tmp_path / "data"
    checkpoints = {}
    for folder in (shared, private):
        (folder / "4").mkdir(parents=True)
        (folder / "4" / "w").write_text("x")
        checkpoints[folder] = {"step": 4, "location": str(folder / "4"), "digest": "", "bytes": 1}
    (shared / "out").symlink_to(private)
    seen = []

    def train(trial):
        seen.append((trial.checkpoint, trial.resume_step, trial.checkpoint_folder))
        return 1.0

    def told(allowed, **lease) -> list[str]:
        coordinator = start(1, lease=lease)
        enrolled(coordinator, file)
        drained(coordinator)
        assert sweepd.worker(train, connection=file, data=data, checkpoints=allowed) == 1
        return [event["text"] for event in coordinator.events(0) if event["kind"] == "warning"]

    own = data / "attempts" / "1" / "0" / "a1" / "checkpoints"
    resume, fallbacks = checkpoints[private], [checkpoints[shared]]
    (warning, other) = told([], resume=resume, fallbacks=fallbacks, checkpoint_directory=str(shared / "t"))
    assert seen.pop() == (None, 0, own)
    assert warning.startswith("checkpoints stay on this worker") and other.startswith("2 checkpoints of earlier")
    (warning,) = told([shared], resume=resume, fallbacks=fallbacks, checkpoint_directory=f"file://{shared}/t")
    assert seen.pop() == (shared / "4", 4, shared / "t") and warning.startswith("1 checkpoints of earlier")
    for place in (f"{shared}/out/t", f"{shared}/../private/t", str(shared), f"{shared}x/t"):
        told([shared], checkpoint_directory=place)
        assert seen.pop() == (None, 0, own), place
    uri = {"step": 4, "location": "s3://bucket/4", "digest": "", "bytes": 0}
    assert len(told([], resume=uri)) == 1 and len(told([shared], resume=uri)) == 1
    assert told([shared, "s3://bucket"], resume=uri) == [] and told("s3://bucket/", resume=uri) == []
    (warning,) = told(["s3://bucket/4", "gs://bucket"], checkpoint_directory="s3://bucket/4/../5")
    assert warning.startswith("checkpoints stay on this worker")
    assert [entry[1] for entry in seen] == [0, 0, 4, 4, 0] and seen[-1][2] == own
    assert not (private / "t").exists()


@pytest.mark.parametrize(("versions", "expected"), [((1, 1), 1), ((1, 2), 1), ((2, 2), 1), ((2, 9), 1)])
def test_coordinators_of_neighbouring_releases(start, file, versions, expected):
    coordinator = start(1, versions=versions)
    enrolled(coordinator, file)
    drained(coordinator)
    assert sweepd.worker(lambda trial: 1.0, connection=file) == expected


def test_a_coordinator_of_a_later_version_only_is_told_of(start, file):
    coordinator = start(1, versions=(3, 3))
    enrolled(coordinator, file)
    with pytest.raises(sweepd.WorkerRefused, match="speaks another"):
        sweepd.worker(lambda trial: 1.0, connection=file)
    # One that answers in it all the same.
    coordinator.versions = (1, 3)
    handle = coordinator._send
    coordinator._send = lambda socket, kind, **fields: handle(
        socket, kind, **{**fields, **({"version": 3} if kind == "welcome" else {})}
    )
    with pytest.raises(sweepd.WorkerRefused, match="protocol version 3, this worker speaks 1 to 2"):
        sweepd.worker(lambda trial: 1.0, connection=file)


def test_a_task_is_declined_by_a_function(start, file):
    coordinator = start(1, lease={"task": "train", "command": None})
    enrolled(coordinator, file)
    assert sweepd.worker(lambda trial: 1.0, connection=file, idle_timeout=0.5) == 0
    assert "no task 'train'" in coordinator.declined[0][1]


def test_a_libzmq_without_encryption_is_told_of(start, file, monkeypatch):
    coordinator = start(1)
    monkeypatch.setattr(_curve.zmq, "has", lambda what: False)
    text = refused_enrolment(coordinator, file, monkeypatch)
    assert "built without CURVE" in text
    # The invitation is not used up.
    assert coordinator.gate.requests == []
