# SPDX-License-Identifier: MIT
"""An enrolled worker that lies: it has its own leases and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import Daemon, wait_for
from peer import MAGIC, Peer, enrol

HUGE = (1 << 63) - 1


class Scene:
    """An honest worker with a running trial, and a dishonest one."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        daemon.launch("victim", 2)
        self.honest = Peer(daemon.port, enrol(daemon, "honest"))
        self.honest.greet(commands=True)
        self.lease = self.honest.lease()
        self.fence = int(self.lease["fence"])
        self.honest.events({"fence": self.fence, "seq": 1, "kind": "started"})
        assert self.honest.hear("ack")
        self.mallory = Peer(daemon.port, enrol(daemon, "mallory"))
        self.mallory.greet(slots=0, commands=True)

    def finishes(self) -> None:
        """The honest worker's trial comes to its end as if nothing had been."""
        self.honest.events(
            {"fence": self.fence, "seq": 2, "kind": "report", "step": 1, "metrics": {"loss": 0.5}},
            {"fence": self.fence, "seq": 3, "kind": "finished", "outcome": "completed"},
        )
        ack = self.honest.hear("ack")
        assert ack is not None and ack["sequences"] == [{"fence": self.fence, "seq": 3}]
        trial = self.daemon.trials("victim")[0]
        assert trial["state"] == "completed" and trial["value"] == 0.5, trial


@pytest.fixture
def scene(daemon: Daemon) -> Iterator[Scene]:
    one = Scene(daemon)
    yield one
    one.honest.close()
    one.mallory.close()


def test_anothers_fence(scene: Scene) -> None:
    mallory, fence = scene.mallory, scene.fence
    before = scene.daemon.trials("victim")
    mallory.events({"fence": fence, "seq": 2, "kind": "report", "step": 1, "metrics": {"loss": -1e9}})
    mallory.events({"fence": fence, "seq": 2, "kind": "finished", "outcome": "completed"})
    mallory.events({"fence": fence, "seq": 2, "kind": "failed", "failure": {"cause": "user", "message": "x"}})
    mallory.events({"fence": fence, "seq": 2, "kind": "checkpoint", "step": 1, "location": "/tmp/x", "bytes": 1})
    mallory.say("decline", fence=fence, reason="x")
    mallory.say("accept", fence=fence, digest="0" * 64)
    mallory.say("accept", fence=fence, digest=scene.lease["params_digest"])
    mallory.say("beat", leases=[{"fence": fence, "last_seq": 9, "acked": 9}])
    answer = mallory.hear("beat")
    assert answer is not None and answer["desired"][0]["state"] == "abandon"
    welcome = mallory.greet(slots=0, running=[{"fence": fence, "last_seq": 9, "acked": 9}])
    assert welcome["desired"][0]["state"] == "abandon"
    mallory.say("bye", reason="x")
    assert scene.daemon.trials("victim") == before
    scene.finishes()


def test_anothers_session_and_boot(scene: Scene) -> None:
    honest, mallory = scene.honest, scene.mallory
    mallory.say(
        "events",
        session=honest.session,
        epoch=honest.epoch,
        events=[{"fence": scene.fence, "seq": 2, "kind": "finished", "outcome": "completed"}],
    )
    assert mallory.hear("resync") is not None
    # Its process' name as well.
    mallory.boot = honest.boot
    mallory.greet(slots=0, running=[{"fence": scene.fence, "last_seq": 1, "acked": 1}])
    mallory.say("bye", session=honest.session, reason="x")
    mallory.say("bye", reason="x")
    assert honest.beats() is not None
    scene.finishes()


@pytest.mark.parametrize("fence", [0, -1, HUGE, -HUGE - 1, 1 << 53, (1 << 53) - 1, "9007199254740993"])
def test_fences_that_nobody_granted(scene: Scene, fence: int | str) -> None:
    mallory = scene.mallory
    mallory.events({"fence": fence, "seq": 1, "kind": "finished", "outcome": "completed"})
    mallory.say("accept", fence=fence, digest="0" * 64)
    mallory.say("decline", fence=fence, reason="x")
    held = [{"fence": fence, "last_seq": 1, "acked": 1}]
    if int(fence) < 0:
        mallory.say("hello", session="", epoch=0, **mallory.hello_members(running=held))
        assert mallory.hear("error") is not None
    else:
        mallory.greet(slots=0, running=held)
    scene.finishes()
    # There are numbers left for the next lease, and they grow.
    second = scene.honest
    second.leases.clear()
    assert int(second.lease()["fence"]) > scene.fence


def test_sequences_and_epochs_from_the_future(scene: Scene) -> None:
    honest = scene.honest
    for seq in (0, -1, 3, HUGE, 1):
        honest.events({"fence": scene.fence, "seq": seq, "kind": "report", "step": 1, "metrics": {"loss": -1}})
    for epoch in (HUGE, -1, 0):
        honest.say("beat", epoch=epoch, leases=[{"fence": scene.fence, "last_seq": 1, "acked": 1}])
    honest.say("beat", leases=[{"fence": scene.fence, "last_seq": HUGE, "acked": HUGE}])
    while honest.hear(within=0.5):
        pass
    scene.finishes()


def test_what_is_over_stays_over(scene: Scene) -> None:
    scene.finishes()
    honest, fence = scene.honest, scene.fence
    for event in (
        {"fence": fence, "seq": 4, "kind": "report", "step": 2, "metrics": {"loss": -5.0}},
        {"fence": fence, "seq": 3, "kind": "failed", "failure": {"cause": "user", "message": "x"}},
        {"fence": fence, "seq": 1, "kind": "started"},
    ):
        honest.events(event)
    honest.say("accept", fence=fence, digest=scene.lease["params_digest"])
    honest.say("decline", fence=fence, reason="x")
    while honest.hear(within=0.5):
        pass
    assert [trial["value"] for trial in scene.daemon.trials("victim")][0] == 0.5


def test_messages_that_are_none(scene: Scene) -> None:
    mallory = scene.mallory
    malformed = [
        [MAGIC],
        [MAGIC, b"{}", b""],
        [b"sweepd/9", b"{}"],
        [b"", b""],
        [MAGIC, b""],
        [MAGIC, b"\xff\xfe"],
        [MAGIC, b"[" * 10_000],
        [MAGIC, b'{"t":"hello"}'],
        [MAGIC, b'{"t":"bye","t":"bye","s":"","e":0,"reason":""}'],
        [MAGIC, b'{"t":"rm -rf","s":"","e":0}'],
        [MAGIC, b'{"t":"welcome","s":"","e":0,"version":2}'],
        [MAGIC, b'{"t":"bye","s":"","e":0,"reason":"' + b"x" * 1_000_000 + b'"}'],
    ]
    for frames in malformed:
        mallory.send(*frames)
        answer = mallory.hear(within=3)
        assert answer is not None and answer["t"] in ("error", "resync"), frames[-1][:60]
    scene.finishes()


# Checkpoints: the coordinator reads and fetches nothing, and deletes nothing but the trial's own.


LOCATIONS = [
    "{data}/../precious",
    "{data}/sweeps/../../precious",
    "{folder}/precious",
    "{data}/link/precious",
    "file://{folder}/precious",
    "file:///{data}/%2e%2e/precious",
    "{data}/sweeps/victim/0/a1/../../../../../precious",
    "../precious",
    "precious",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1:{trap}/latest/meta-data",
    "http://169.254.169.254/",
    "s3://bucket/x",
    "{data}/" + "x" * 300,
    "{data}/\0/../../precious",
    "-rf",
    "$(touch {folder}/touched)",
    "{data}",
    "{data}/",
    "/",
    "",
]


@pytest.mark.parametrize("location", LOCATIONS, ids=range(len(LOCATIONS)))
def test_where_checkpoints_are_said_to_be(scene: Scene, location: str, folder: Path) -> None:
    import socket

    precious = folder / "d0" / "precious"
    (precious / "inner").mkdir(parents=True)
    (scene.daemon.data / "link").symlink_to(precious.parent)
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        place = location.replace("{data}", str(scene.daemon.data)).replace("{folder}", str(precious.parent))
        place = place.replace("{trap}", str(trap.getsockname()[1]))
        report_checkpoints(scene, place)
        with pytest.raises(TimeoutError):
            trap.accept()
    assert (precious / "inner").is_dir() and Path("/etc/passwd").exists()
    assert not (precious.parent / "touched").exists()
    for name in ("sweepd.sqlite", "keys/server.key", "LOCK", "link"):
        assert (scene.daemon.data / name).exists(), f"{name} is gone"


def report_checkpoints(scene: Scene, place: str) -> None:
    """Name it as the first of several checkpoints, so that no rule needs it any more."""
    honest, fence = scene.honest, scene.fence
    for number in range(2, 8):
        location = place if number == 2 else f"{scene.daemon.data}/sweeps/victim/0/a1/step-{number}"
        honest.events(
            {"fence": fence, "seq": number, "kind": "checkpoint", "step": number, "location": location, "bytes": 1}
        )
        answer = honest.hear(within=5)
        if answer is not None and answer["t"] == "error":
            return
    honest.beats()


@pytest.mark.parametrize("inner", ["keys", "sweeps/other/0/a9", "sweepd.sqlite-wal"])
def test_a_checkpoint_that_is_no_trials_own(scene: Scene, inner: str) -> None:
    place = scene.daemon.data / inner
    if not place.exists():
        (place / "step-1").mkdir(parents=True)
    report_checkpoints(scene, str(place))
    time.sleep(0.5)
    assert place.exists(), f"the worker had {inner} deleted"


def test_a_link_in_the_place_of_a_folder(scene: Scene, folder: Path) -> None:
    precious = folder / "precious"
    (precious / "step-2").mkdir(parents=True)
    attempt = scene.daemon.data / "sweeps/victim/0/a1"
    attempt.parent.mkdir(parents=True, exist_ok=True)
    attempt.symlink_to(precious)
    report_checkpoints(scene, f"{attempt}/step-2")
    time.sleep(0.5)
    assert (precious / "step-2").is_dir()


def test_the_store_is_sound_afterwards(scene: Scene) -> None:
    mallory = scene.mallory
    for number in range(300):
        mallory.say("decline", fence=scene.fence, reason="\x1b[31m" + "x" * 900)
        mallory.events({"fence": scene.fence, "seq": number, "kind": "warning", "text": "\0\x1b]0;x\7"})
        if number % 50 == 0:
            mallory.boot = f"{number:032x}"
            mallory.greet(slots=0)
    scene.finishes()
    scene.daemon.stop()
    # Its exit status says so.
    scene.daemon.run("verify", "--data", str(scene.daemon.data))
    scene.daemon.start()


def test_a_worker_for_everything_else(make: Callable[..., Daemon]) -> None:
    """Hundreds of leases at once, thousands of slots, negative ones: an honest worker still gets its share."""
    daemon = make().start()
    daemon.launch("a", 50)
    with Peer(daemon.port, enrol(daemon)) as mallory:
        for slots in (-1, HUGE, 1 << 20):
            mallory.send(
                MAGIC,
                json.dumps({"t": "hello", "s": "", "e": 0, **mallory.hello_members(slots=slots, commands=True)}).encode(),
            )
            mallory.hear(within=2)
        assert wait_for(lambda: mallory.hear(within=0.1) is None, 5)
    assert daemon.is_alive


def test_checkpoints_of_any_size(scene: Scene) -> None:
    """Their sizes are added up: two of the largest must not be the end of the coordinator."""
    honest, fence = scene.honest, scene.fence
    for number in range(2, 6):
        location = f"/nowhere/{number}"
        honest.events(
            {"fence": fence, "seq": number, "kind": "checkpoint", "step": number, "location": location, "bytes": HUGE}
        )
    assert honest.hear("ack") is not None
    assert honest.beats() is not None and scene.daemon.is_alive
