# SPDX-License-Identifier: MIT
"""Too much of everything: large frames, endless messages, idle connections."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Callable

import pytest
import zmtp
from daemon import Daemon
from peer import MAGIC, Peer, enrol

CONNECTIONS = int(os.environ.get("SWEEPD_IDLE_CONNECTIONS", "2000"))


def test_a_frame_of_a_mebibyte_and_a_byte(daemon: Daemon) -> None:
    keys, others = enrol(daemon), enrol(daemon, "honest")
    with Peer(daemon.port, keys) as mallory, Peer(daemon.port, others) as honest:
        honest.greet()
        mallory.greet(slots=0)
        for size in ((1 << 20) + 1, 4 << 20, 64 << 20):
            mallory.send(MAGIC, b"x" * size)
            assert honest.beats(within=30) is not None
        # It was hung up on; that was all, it may come again.
        mallory.greet(slots=0)
    assert daemon.resident_kib() < 200 << 10


def test_a_message_of_ten_thousand_parts(daemon: Daemon) -> None:
    keys, others = enrol(daemon), enrol(daemon, "honest")
    with Peer(daemon.port, keys) as mallory, Peer(daemon.port, others) as honest:
        honest.greet()
        mallory.greet(slots=0)
        mallory.send(*[MAGIC] * 10_000)
        answer = mallory.hear("error", 10)
        assert answer is not None and answer["code"] == "malformed"
        assert mallory.beats() is not None and honest.beats() is not None


def test_endless_parts(daemon: Daemon) -> None:
    """A message that never ends: libzmq bounds it by nothing, so others must not suffer while it grows."""
    keys, others = enrol(daemon), enrol(daemon, "honest")
    with Peer(daemon.port, others) as honest:
        honest.greet()
        wire = zmtp.Wire(("127.0.0.1", daemon.port))
        client = zmtp.CurveClient(keys.server, keys.public, keys.secret)
        client.shake(wire)
        before = daemon.resident_kib()
        part = b"x" * (64 << 10)
        slowest = 0.0
        for number in range(400):
            wire.send(client.message(part, more=True))
            if number % 40 == 0:
                answered = honest.beats(within=30)
                assert answered is not None
                slowest = max(slowest, answered)
        grown = daemon.resident_kib() - before
        wire.close()
        assert honest.beats(within=30) is not None
        print(f"25 MiB of parts: {grown >> 10} MiB held, slowest beat {slowest:.3f} s")
        # What it held is given back when it goes: as much again needs no more.
        time.sleep(0.5)
        held = daemon.resident_kib()
        wire = zmtp.Wire(("127.0.0.1", daemon.port))
        client = zmtp.CurveClient(keys.server, keys.public, keys.secret)
        client.shake(wire)
        for _ in range(200):
            wire.send(client.message(part, more=True))
        honest.beats(within=30)
        wire.close()
        assert daemon.resident_kib() - held < 40 << 10


def test_a_flood_of_messages(daemon: Daemon) -> None:
    keys, others = enrol(daemon), enrol(daemon, "honest")
    with Peer(daemon.port, keys) as mallory, Peer(daemon.port, others) as honest:
        honest.greet()
        mallory.greet(slots=0)
        slowest = 0.0
        for _ in range(10):
            for _ in range(1000):
                mallory.say("beat", leases=[])
                mallory.send(MAGIC, b"garbage")
            answered = honest.beats(within=30)
            assert answered is not None
            slowest = max(slowest, answered)
        print(f"20,000 messages: slowest beat of another {slowest:.3f} s")
        assert slowest < 5
    # One line a second, however many come.
    assert daemon.log().count("malformed") < 60


def test_idle_connections(daemon: Daemon) -> None:
    """Thousands of connections that say nothing, or half a greeting: no spinning, and a worker gets in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 200
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    count = min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    keys = enrol(daemon)
    openings = (b"", b"\xff", zmtp.greeting(), zmtp.greeting()[:20])
    idle: list[socket.socket] = []
    files = daemon.files()
    try:
        for number in range(count):
            one = socket.create_connection(("127.0.0.1", daemon.port), 10)
            one.sendall(openings[number % len(openings)])
            idle.append(one)
        start = time.monotonic()
        with Peer(daemon.port, keys) as worker:
            worker.greet(15)
            assert time.monotonic() - start < 15
            cpu, start = daemon.cpu_seconds(), time.monotonic()
            time.sleep(2)
            used = (daemon.cpu_seconds() - cpu) / (time.monotonic() - start)
            assert used < 0.2, f"{used:.0%} of a core for {count} connections that do nothing"
            assert worker.beats() is not None
        # A handshake that does not come has an end.
        until = time.monotonic() + 15
        while daemon.files() > files + 50 and time.monotonic() < until:
            time.sleep(0.2)
        assert daemon.files() <= files + 50
    finally:
        for one in idle:
            one.close()


def test_without_free_descriptors(make: Callable[..., Daemon]) -> None:
    """It raises its limit, and where it may not it says so rather than spin."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    daemon = make()
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        daemon.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with open(f"/proc/{daemon.process.pid}/limits") as limits:
        line = next(line for line in limits if line.startswith("Max open files"))
    assert int(line.split()[3]) >= 4096


@pytest.mark.parametrize("size", [1, 3, 63, 64, 65, 200])
def test_bytes_one_by_one(daemon: Daemon, size: int) -> None:
    """A peer that dribbles holds nobody up."""
    keys = enrol(daemon)
    wires = [zmtp.Wire(("127.0.0.1", daemon.port)) for _ in range(20)]
    for wire in wires:
        wire.send((zmtp.greeting() + os.urandom(200))[:size])
    with Peer(daemon.port, keys) as worker:
        worker.greet(5)
        assert worker.beats(1) is not None
    for wire in wires:
        wire.close()
