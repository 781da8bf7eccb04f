# SPDX-License-Identifier: MIT
"""Who has no key gets nowhere, whatever he speaks."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmtp
from daemon import Daemon
from peer import ENROL, MAGIC, OPERATOR, Peer, enrol, keys_of, own_keys, read_token

HELLO = json.dumps(
    {
        "t": "hello",
        "s": "",
        "e": 0,
        "versions": [1, 2],
        "boot": "ab" * 16,
        "agent": "a",
        "host": "stranger",
        "pid": 1,
        "slots": 1,
        "prefetch": 0,
        "running": [],
    }
).encode()
ENDED = {"ok", "error", "welcome", "resync"}


def says_nothing(peer: Peer, daemon: Daemon) -> None:
    """Nothing is answered, nothing is noted: no frame got as far as the application."""
    before = daemon.log()
    for frames in ([MAGIC, HELLO], [ENROL, b"{}"], [OPERATOR, b'{"op":"ping"}'], [b"garbage"], [b""] * 5):
        peer.send(*frames)
    assert peer.hear(within=1) is None
    assert daemon.log() == before
    assert daemon.workers() == []


def test_an_unknown_key(daemon: Daemon) -> None:
    server = read_token(daemon.invite())["server"]
    with Peer(daemon.port, own_keys(server)) as peer:
        says_nothing(peer, daemon)


def test_no_curve(daemon: Daemon) -> None:
    with Peer(daemon.port) as peer:
        says_nothing(peer, daemon)


def test_plain(daemon: Daemon) -> None:
    with Peer(daemon.port, plain_username=b"worker:mallory", plain_password=b"x") as peer:
        says_nothing(peer, daemon)


def test_another_servers_key(daemon: Daemon) -> None:
    keys = enrol(daemon)
    with Peer(daemon.port, keys._replace(server=own_keys(keys.server).public)) as peer:
        says_nothing(peer, daemon)


def test_published_keys(daemon: Daemon) -> None:
    # zmq_curve(7) prints these with their secrets.
    public, secret = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
    token = daemon.invite("--uses", "9")
    with Peer(daemon.port, keys_of(token)) as guest:
        answer = guest.ask_to_enrol(public)
        assert answer is not None and "publishes" in answer["error"]
        for key in ("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "0" * 40, "#" * 40, "", "x" * 39, "é" * 20):
            refused = guest.ask_to_enrol(key)
            assert refused is not None and "error" in refused, key
    keys = own_keys(read_token(token)["server"])._replace(public=public, secret=secret)
    with Peer(daemon.port, keys) as peer:
        says_nothing(peer, daemon)


@pytest.mark.parametrize(
    "opening",
    [
        # ZMTP 1: a frame's length, flags, identity; ZMTP 2: signature, revision 1, DEALER, identity.
        b"\x01\x00" + b"\x09\x01" + MAGIC + bytes([min(254, len(HELLO) + 1)]) + b"\x00" + HELLO[:253],
        b"\xff" + b"\0" * 7 + b"\x01\x7f" + b"\x01\x05" + b"\0\0" + b"\x01\x08" + MAGIC + b"\x00\x04abcd",
        zmtp.greeting(b"NULL") + zmtp.command(b"READY", zmtp.metadata()) + zmtp.frame(MAGIC, more=True) + b"\0\2{}",
        zmtp.greeting(b"NULL", (3, 1)) + zmtp.command(b"READY", zmtp.metadata()) + zmtp.frame(MAGIC, more=True),
        zmtp.greeting(b"PLAIN") + zmtp.command(b"HELLO", b"\1a\1b") + zmtp.frame(MAGIC, more=True) + b"\0\2{}",
        zmtp.greeting(b"CURVE", as_server=1) + zmtp.frame(MAGIC, more=True) + b"\0\2{}",
        zmtp.greeting(b"CURVE") + zmtp.command(b"READY", zmtp.metadata()) + zmtp.frame(MAGIC, more=True) + b"\0\2{}",
        zmtp.greeting(b"CURVE") + zmtp.command(b"INITIATE", os.urandom(400)) + zmtp.frame(MAGIC, more=True),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01" + os.urandom(500),
        b"\0" * 1000,
    ],
    ids=["zmtp1", "zmtp2", "null", "null31", "plain", "server", "ready", "initiate", "http", "tls", "zeros"],
)
def test_other_protocols(daemon: Daemon, opening: bytes) -> None:
    before = daemon.log()
    wire = zmtp.Wire(("127.0.0.1", daemon.port))
    wire.send(opening)
    read = b""
    wire.socket.settimeout(0.7)
    try:
        while more := wire.socket.recv(4096):
            read += more
    except OSError:
        pass
    wire.close()
    # A greeting and an ERROR are all there is to see.
    assert len(read) < 300 and not any(word.encode() in read for word in ENDED - {"error"})
    assert daemon.log() == before and daemon.workers() == []


def test_it_tests_itself_before_it_serves(daemon: Daemon) -> None:
    assert "tested to refuse strangers" in daemon.log()


def test_without_listen_there_is_no_port(make: Callable[..., Daemon]) -> None:
    daemon = make(listens=False).start()
    inodes = set()
    for link in Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(link).removeprefix("socket:[").rstrip("]"))
        except OSError:
            continue
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            assert line.split()[9] not in inodes, line
    assert not (daemon.data / "keys").exists()


@pytest.mark.parametrize(
    "place", ["tcp://*:0", "ipc://@abstract", "ws://127.0.0.1:1", "udp://127.0.0.1:1", "tcp://127.0.0.1:99999", "x"]
)
def test_other_places_to_listen(make: Callable[..., Daemon], place: str) -> None:
    daemon = make("--workers", "0", "--listen", place, listens=False)
    daemon.launch_process()
    assert daemon.process.wait(10) != 0
    assert place in daemon.log()


def test_who_knows_the_servers_key_only_is_no_operator(daemon: Daemon) -> None:
    keys = enrol(daemon)
    with Peer(daemon.port, keys) as worker:
        worker.greet()
        # A worker is no operator, and no guest.
        for frames in ([OPERATOR, b'{"op":"invite","uses":1,"seconds":60}'], [ENROL, b'{"op":"enrol"}']):
            worker.send(*frames)
            answer = worker.hear(within=3)
            assert answer is not None and answer["t"] == "error" and answer["code"] == "malformed"
        assert worker.beats() is not None


def test_an_invitation_serves_to_enrol_and_to_nothing_else(daemon: Daemon) -> None:
    with Peer(daemon.port, keys_of(daemon.invite())) as guest:
        for frames in (
            [MAGIC, HELLO],
            [OPERATOR, b'{"op":"sweeps"}'],
            [ENROL, b'{"op":"invite"}'],
            [ENROL, b"{}", b""],
            [ENROL],
            [b""],
            [ENROL, b'{"op":"enrol","key":"' + b"x" * (70 << 10) + b'"}'],
        ):
            guest.send(*frames)
            answer = guest.hear(within=3)
            assert answer is not None and ("error" in answer or answer.get("t") == "error"), frames
    assert daemon.workers() == []


def recorded(daemon: Daemon) -> list[bytes]:
    """What a worker sends from its greeting to its hello, byte by byte, after it was served."""
    keys = enrol(daemon)
    wire = zmtp.Wire(("127.0.0.1", daemon.port))
    client = zmtp.CurveClient(keys.server, keys.public, keys.secret)
    sent: list[bytes] = []
    plain_send = wire.send

    def send(data: bytes) -> None:
        sent.append(data)
        plain_send(data)

    wire.send = send  # type: ignore[method-assign]
    client.shake(wire)
    wire.send(client.message(MAGIC, more=True))
    wire.send(client.message(HELLO))
    _, first = wire.frame()
    assert client.open_message(first)[1] == MAGIC
    _, second = wire.frame()
    assert json.loads(client.open_message(second)[1])["t"] == "welcome"
    wire.close()
    return sent


def test_a_recorded_stream_played_again(daemon: Daemon) -> None:
    sent = recorded(daemon)
    time.sleep(0.5)
    before, heard = daemon.log(), daemon.workers()[0]["heard_ms"]
    for pace in (0.0, 0.1):
        wire = zmtp.Wire(("127.0.0.1", daemon.port), 1)
        answers = b""
        try:
            for data in sent:
                wire.send(data)
                time.sleep(pace)
            while True:
                answers += wire.read(1)
        except zmtp.Closed:
            pass
        # The greeting and a WELCOME for keys of which nobody has the secret.
        assert len(answers) <= 64 + 200 and b"READY" not in answers and b"MESSAGE" not in answers
    assert daemon.log() == before
    assert daemon.workers()[0]["heard_ms"] > heard, "the recorded hello was taken for a new one"


def test_a_cut_stream_with_a_repeated_message(daemon: Daemon) -> None:
    keys = enrol(daemon)
    wire = zmtp.Wire(("127.0.0.1", daemon.port))
    client = zmtp.CurveClient(keys.server, keys.public, keys.secret)
    client.shake(wire)
    first, second = client.message(MAGIC, more=True), client.message(HELLO)
    wire.send(first + second)
    wire.frame(), wire.frame()
    # The same nonces again within the connection.
    wire.send(first + second)
    with pytest.raises(zmtp.Closed):
        wire.frame()


def test_messages_of_another_session(daemon: Daemon) -> None:
    daemon.launch("victim")
    keys = enrol(daemon)
    with Peer(daemon.port, keys) as worker:
        worker.greet(commands=True)
        lease = worker.lease()
        fence, old = lease["fence"], worker.session
        worker.greet(running=[{"fence": fence, "last_seq": 0, "acked": 0}])
        assert worker.session != old
        for session in (old, "", "x", "3-other-1"):
            worker.say(
                "events", session=session, events=[{"fence": fence, "seq": 1, "kind": "started"}]
            )
            answer = worker.hear("resync", 3)
            assert answer is not None, session
        assert daemon.trials("victim")[0]["state"] != "running"


def test_a_routing_id_gives_no_power(daemon: Daemon) -> None:
    """Who claims one, or one that another has, takes nothing from a worker that has none, as ours."""
    with Peer(daemon.port, enrol(daemon, "honest")) as honest:
        honest.greet()
        keys = enrol(daemon, "mallory")
        with Peer(daemon.port, keys, identity=b"same") as first, Peer(daemon.port, keys, identity=b"same") as second:
            first.hear(within=0.3)
            for peer in (first, second):
                peer.send(MAGIC, HELLO)
                peer.hear(within=0.5)
            assert honest.beats() is not None
        assert {worker["key"] for worker in daemon.workers()} == {"honest", "mallory"}


def test_the_local_socket_is_for_its_own_user(daemon: Daemon) -> None:
    path = Path(daemon.endpoint().removeprefix("ipc://"))
    assert path.parent.stat().st_mode & 0o077 == 0
    if os.getuid() != 0:
        pytest.skip("only root can try as another user")
    child = os.fork()
    if child == 0:
        try:
            os.setgid(65534), os.setuid(65534)
            socket.socket(socket.AF_UNIX).connect(str(path))
            os._exit(1)
        except PermissionError:
            os._exit(0)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_sizes_that_lie(daemon: Daemon) -> None:
    """Frames that promise exabytes cost nothing."""
    before = daemon.resident_kib()
    wires = []
    for size in (1 << 62, (1 << 63) + 5, (1 << 64) - 1, 1 << 40, 1 << 31):
        wire = zmtp.Wire(("127.0.0.1", daemon.port))
        wire.send(zmtp.greeting() + bytes([6]) + struct.pack(">Q", size) + b"\x05HELLO")
        wires.append(wire)
    time.sleep(0.5)
    assert daemon.resident_kib() - before < 16 << 10
    for wire in wires:
        wire.close()
