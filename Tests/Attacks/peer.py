# SPDX-License-Identifier: MIT
"""A worker that says what a test tells it to: real keys, no session logic."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import struct
import time
from typing import Any, NamedTuple

import zmq

MAGIC = b"sweepd/1"
ENROL = b"sweepd-enrol/1"
OPERATOR = b"sweepd-operator/1"


class Keys(NamedTuple):
    """The coordinator's public key, our own pair, and what the coordinator calls us."""

    server: str
    public: str
    secret: str
    name: str = ""


def read_token(token: str) -> dict[str, Any]:
    """Return its members."""
    text = token.removeprefix("sweepd1.")
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def write_token(members: dict[str, Any]) -> str:
    """Return the token of these members."""
    return "sweepd1." + base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


def own_keys(server: str) -> Keys:
    """Return a pair that nobody knows."""
    public, secret = zmq.curve_keypair()
    return Keys(server, public.decode(), secret.decode())


def keys_of(token: str) -> Keys:
    """Return the key pair of an invitation."""
    members = read_token(token)
    return Keys(members["server"], zmq.curve_public(members["secret"].encode()).decode(), members["secret"])


def enrol(daemon: Any, name: str = "mallory", token: str = "") -> Keys:
    """Bring in a key of our own."""
    token = token or daemon.invite()
    own = own_keys(read_token(token)["server"])
    with Peer(daemon.port, keys_of(token)) as guest:
        answer = guest.ask_to_enrol(own.public, name)
    assert answer and answer.get("ok"), answer
    return own._replace(name=answer["name"])


class Peer:
    """A DEALER."""

    def __init__(self, place: int | str, keys: Keys | None = None, **options: Any) -> None:
        """Connect to a port of this machine, or to an endpoint."""
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.sndtimeo = 1000
        # At once again: what is tested are the coordinator's limits.
        self.socket.reconnect_ivl = 50
        for option, value in options.items():
            setattr(self.socket, option, value)
        if keys:
            self.socket.curve_serverkey = keys.server.encode()
            self.socket.curve_publickey = keys.public.encode()
            self.socket.curve_secretkey = keys.secret.encode()
        self.socket.connect(f"tcp://127.0.0.1:{place}" if isinstance(place, int) else place)
        self.session, self.epoch = "", 0
        self.boot = os.urandom(16).hex()
        self.leases: dict[int, dict[str, Any]] = {}

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.context.destroy(linger=0)

    def send(self, *frames: bytes) -> None:
        """Send frames as they are, where there is a connection."""
        with contextlib.suppress(zmq.Again):
            self.socket.send_multipart(frames)

    def say(self, kind: str, session: str | None = None, epoch: int | None = None, **members: Any) -> None:
        """Send a message of the worker protocol."""
        body = {
            "t": kind,
            "s": self.session if session is None else session,
            "e": self.epoch if epoch is None else epoch,
            **members,
        }
        self.send(MAGIC, json.dumps(body).encode())

    def hear(self, kind: str = "", within: float = 5) -> dict[str, Any] | None:
        """Return the next message (of that type), or None."""
        until = time.monotonic() + within
        while (left := until - time.monotonic()) > 0:
            if not self.socket.poll(int(left * 1000) + 1):
                return None
            body: dict[str, Any] = json.loads(self.socket.recv_multipart()[-1])
            if body.get("t") == "welcome":
                self.session, self.epoch = body["s"], body["e"]
            for lease in body.get("leases", []):
                self.leases[int(lease["fence"])] = lease
            if not kind or body.get("t") == kind:
                return body
        return None

    def hello_members(self, **more: Any) -> dict[str, Any]:
        """Return a hello's."""
        return {
            "versions": [1, 2],
            "boot": self.boot,
            "agent": "attack/1",
            "host": "evil",
            "pid": 1,
            "slots": 1,
            "prefetch": 0,
            "running": [],
            **more,
        }

    def greet(self, within: float = 10, **more: Any) -> dict[str, Any]:
        """Say hello until the welcome comes."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            self.say("hello", session="", epoch=0, **self.hello_members(**more))
            if answer := self.hear("welcome", 1):
                return answer
        raise AssertionError("no welcome")

    def lease(self, within: float = 10) -> dict[str, Any]:
        """Wait for a lease and accept it."""
        until = time.monotonic() + within
        while not self.leases and time.monotonic() < until:
            self.hear("leases", 1)
        assert self.leases, "no lease"
        lease = self.leases[max(self.leases)]
        self.say("accept", fence=lease["fence"], digest=lease["params_digest"])
        return lease

    def events(self, *events: dict[str, Any]) -> None:
        """Send events."""
        self.say("events", events=list(events))

    def beats(self, within: float = 5) -> float | None:
        """Return how long the coordinator takes to answer a beat."""
        start = time.monotonic()
        self.say("beat", leases=[{"fence": fence, "last_seq": 0, "acked": 0} for fence in self.leases])
        return time.monotonic() - start if self.hear("beat", within) else None

    def ask_to_enrol(self, key: str, name: str = "mallory", within: float = 5) -> dict[str, Any] | None:
        """Say what an invitation is for."""
        self.send(ENROL, json.dumps({"op": "enrol", "key": key, "name": name}).encode())
        if not self.socket.poll(int(within * 1000)):
            return None
        return json.loads(self.socket.recv_multipart()[-1])


def digest(params: dict[str, float]) -> str:
    """Return the digest of parameters that are floats."""
    lines = (f'"{name}"=f:{struct.pack(">d", value).hex()}\n' for name, value in sorted(params.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
