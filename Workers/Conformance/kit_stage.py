# SPDX-License-Identifier: MIT
"""One side of a scenario: a socket as the coordinator has it, the worker's process, and what came from it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import zmq
from zmq.utils import z85

MAGIC = b"sweepd/1"
EPOCH = 7
# ZMQ_ZAP_ENFORCE_DOMAIN: without it a connection is let in when nobody can be asked.
_ENFORCE_DOMAIN = 93
_MEMBERS = {
    "hello": ("versions", "boot", "agent", "host", "pid", "slots", "prefetch", "running"),
    "beat": ("leases",),
    "accept": ("fence", "digest"),
    "decline": ("fence", "reason"),
    "events": ("events",),
    "bye": ("reason",),
}
_TERMINAL = ("finished", "failed")


class Missed(Exception):
    """What a scenario needs in order to go on did not come."""


class Message(NamedTuple):
    """A worker's message, with the identity that the socket gave its connection and the time it came."""

    at: float
    peer: bytes
    body: dict[str, Any]


class Gate:
    """Whose keys may come in, for all stages of the process: there is one answerer in a context (ZAP, RFC 27)."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        """Begin to answer."""
        public, secret = zmq.curve_keypair()
        self.public, self.secret = public.decode(), secret
        self.allowed: set[str] = set()
        self.asked: list[str] = []
        self._socket = context.socket(zmq.REP)
        self._socket.bind("inproc://zeromq.zap.01")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more; before the context goes."""
        self._closed.set()
        self._thread.join()
        self._socket.close(linger=0)

    def _answer(self) -> None:
        while not self._closed.is_set():
            if not self._socket.poll(50):
                continue
            version, number, _, _, _, _, key = self._socket.recv_multipart()
            public = z85.encode(key).decode()
            self.asked.append(public)
            status = b"200" if public in self.allowed else b"400"
            self._socket.send_multipart([version, number, status, b"", b"worker:kit", b""])


class Stage:
    """Plays the coordinator, by hand or (`acks`, `beats`) by itself."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate | None, command: list[str], patience: float
    ) -> None:
        """Bind; `start()` starts the worker."""
        self._context, self._gate, self._command, self.patience = context, gate, command, patience
        self.folder = Path(tempfile.mkdtemp(prefix="kit-"))
        self.log: list[Message] = []
        # What is wrong with messages by themselves, whatever the scenario.
        self.malformed: list[str] = []
        self.acks = self.beats = True
        # On a loaded machine a worker may have taken us for silent.
        self.welcomes_again = True
        self._window, self._version = 256, 2
        self.session, self.epoch, self.heartbeat_ms = "", EPOCH, 300
        self.desired: dict[int, tuple[str, str]] = {}
        self.drain = False
        self.peer = b""
        # Per fence the events that came in order.
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.durable: dict[int, int] = {}
        self._sessions = 0
        self._inbox: list[Message] = []
        self.endpoint = "tcp://127.0.0.1:*" if gate else f"ipc://{self.folder}/w"
        self._socket = self._bind()
        self.public, secret = "", b""
        self.connection = self.folder / "worker.json"
        if gate:
            public, secret = zmq.curve_keypair()
            self.public = public.decode()
            gate.allowed.add(self.public)
            content = {
                "version": 1,
                "role": "worker",
                "name": "kit",
                "endpoints": [self.endpoint],
                "server": gate.public,
                "secret": secret.decode(),
            }
            self.connection.touch(0o600)
            self.connection.write_text(json.dumps(content))
        else:
            # Where a worker is given the data directory, not the endpoint.
            content = {"version": 1, "pid": os.getpid(), "workers": self.endpoint, "operators": f"{self.endpoint}o"}
            (self.folder / "endpoint.json").write_text(json.dumps(content))
        self.process: subprocess.Popen[bytes] | None = None

    # The process.

    def start(self) -> None:
        """Start the worker."""
        places = {"{endpoint}": self.endpoint, "{connection}": str(self.connection), "{folder}": str(self.folder)}
        words = list(self._command)
        for place, value in places.items():
            words = [word.replace(place, value) for word in words]
        given = {"SWEEPD_CONNECTION": str(self.connection)} if self._gate else {"SWEEPD_ENDPOINT": self.endpoint}
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **given},
                start_new_session=True,
            )

    def terminate(self) -> None:
        """Send SIGTERM to the worker alone."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)

    def has_ended(self, within: float) -> bool:
        """Wait for the process to end."""
        assert self.process
        until = time.monotonic() + within
        while self.process.poll() is None and time.monotonic() < until:
            self._pump(0.05)
        return self.process.poll() is not None

    def output(self) -> str:
        """Return the end of what the worker printed."""
        return (self.folder / "output").read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """End everything."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._socket.close(linger=0)
        shutil.rmtree(self.folder, ignore_errors=True)

    # The socket.

    def _bind(self) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        if self._gate:
            socket.curve_server = True
            socket.curve_secretkey = self._gate.secret
            socket.zap_domain = b"kit"
            socket.setsockopt(_ENFORCE_DOMAIN, 1)
        socket.bind(self.endpoint)
        if "*" in self.endpoint:
            self.endpoint = socket.last_endpoint.decode().rstrip("\0")
        return socket

    def restart(self, absent: float) -> None:
        """Be away for a while, as a coordinator that is started anew: it knows no session, and has another epoch."""
        self._socket.close(linger=0)
        time.sleep(absent)
        self.session, self.epoch = "", self.epoch + 1
        self._socket = self._bind()

    def send(self, *frames: bytes) -> None:
        """Send frames as they are; a worker that is gone does not get them."""
        try:
            self._socket.send_multipart([self.peer, *frames], zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise

    def say(self, kind: str, **members: Any) -> None:
        """Send a message of the present session, unless told otherwise."""
        message = {"t": kind, "s": self.session, "e": self.epoch, **members}
        self.send(MAGIC, json.dumps(message).encode())

    def say_sequences(self, kind: str, fence: int, sequence: int, **members: Any) -> None:
        """Send an `ack` or a `nack`."""
        self.say(kind, sequences=[{"fence": exact(fence), "seq": sequence}], **members)

    def welcome(self, hello: Message | None = None, window: int = 256, version: int = 2) -> None:
        """Begin a session with the worker whose hello this was (else: that comes next)."""
        hello = hello or self.hear("hello")
        self._window, self._version = window, version
        self.peer = hello.peer
        self._sessions += 1
        self.session = f"session-{self._sessions}"
        verdicts = [self._verdict(integer(item["fence"])) for item in hello.body["running"]]
        fields = {"version": version, "database": "kit", "window": window, "heartbeat_ms": self.heartbeat_ms}
        self.say("welcome", **fields, desired=verdicts)

    def _verdict(self, fence: int) -> dict[str, Any]:
        state, reason = self.desired.get(fence, ("run", ""))
        return {"fence": exact(fence), "state": state, "reason": reason, "acked": self.durable.get(fence, 0)}

    def lease(self, fence: int, trial: int = 0, seconds: float = 0.3, **members: Any) -> dict[str, Any]:
        """Return a lease that every worker can run."""
        params = members.pop("params", {"lr": 0.5, "layers": 3, "seconds": float(seconds)})
        attempt = self.folder / "attempts" / str(fence)
        lease = {
            "fence": exact(fence),
            "sweep": 1,
            "sweep_name": "kit",
            "trial": trial,
            "attempt": 1,
            "params": params,
            "params_digest": digest(params),
            "seed": "18446744073709551615",
            "objective": {"metric": "loss", "goal": "minimize"},
            "command": [sys.executable, str(Path(__file__).resolve().with_name("trial.py")), "${args}"],
            "working_directory": str(self.folder),
            "attempt_directory": str(attempt),
            "grace_ms": 5000,
            "metric_pattern": r"step (?<step>\d+) loss=(?<loss>\S+)",
            **members,
        }
        return {name: value for name, value in lease.items() if value is not None}

    def offer(self, *leases: dict[str, Any]) -> None:
        """Send leases."""
        self.say("leases", leases=list(leases))

    def hear(self, kind: str, within: float | None = None, **members: Any) -> Message:
        """Return the next message of that type with these members; the others pass by. Raises `Missed`."""
        until = time.monotonic() + (self.patience if within is None else within)
        while True:
            while self._inbox:
                message = self._inbox.pop(0)
                body = message.body
                if body["t"] == kind and all(_same(body.get(name), value) for name, value in members.items()):
                    return message
            if time.monotonic() >= until or (self.process and self.process.poll() is not None and not self._pump(0.05)):
                wanted = f"{kind} {members}" if members else kind
                raise Missed(f"no {wanted} within {self.patience if within is None else within:g} s")
            self._pump(min(0.05, until - time.monotonic()))

    def listen(self, seconds: float) -> list[Message]:
        """Return all that comes meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._pump(min(0.05, max(0.0, until - time.monotonic())))
        heard, self._inbox = self._inbox, []
        return heard

    def until(self, condition: Any, within: float, what: str) -> None:
        """Let things go on until it is so."""
        end = time.monotonic() + within
        while not condition():
            if time.monotonic() >= end:
                raise Missed(f"not within {within:g} s: {what}")
            self._pump(0.02)

    def is_over(self, fence: int) -> bool:
        """Whether the terminal event came, and all before it."""
        return any(event["kind"] in _TERMINAL for event in self.events.get(fence, []))

    def _pump(self, seconds: float) -> bool:
        if not self._socket.poll(max(0, int(seconds * 1000))):
            return False
        while True:
            try:
                peer, *frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return True
            body = self._checked(frames)
            if body is not None:
                message = Message(time.monotonic(), peer, body)
                self.log.append(message)
                self._inbox.append(message)
                self._react(message)

    def _react(self, message: Message) -> None:
        body = message.body
        if body["t"] == "hello" and self.session and self.welcomes_again:
            self.welcome(message, self._window, self._version)
        if body["t"] == "hello" or body["s"] != self.session or not self.session:
            return
        if body["t"] == "beat" and self.beats:
            self.say(
                "beat", desired=[self._verdict(integer(lease["fence"])) for lease in body["leases"]], drain=self.drain
            )
        if body["t"] != "events":
            return
        for event in body["events"]:
            fence = integer(event["fence"])
            kept = self.events.setdefault(fence, [])
            if event["seq"] == len(kept) + 1:
                kept.append(event)
            if self.acks:
                self.durable[fence] = len(kept)
        if self.acks:
            for fence in {integer(event["fence"]) for event in body["events"]}:
                self.say_sequences("ack", fence, self.durable[fence])

    def _checked(self, frames: list[bytes]) -> dict[str, Any] | None:
        problem = None
        body: Any = None
        if len(frames) != 2 or frames[0] != MAGIC:
            problem = f"{len(frames)} frames, the first of them {frames[0][:20]!r}"
        elif len(frames[1]) > 1 << 20:
            problem = f"a frame of {len(frames[1])} bytes"
        else:
            try:
                body = json.loads(frames[1], parse_constant=_no_constant, object_pairs_hook=_distinct)
            except ValueError as error:
                problem = f"no JSON: {error}"
        if problem is None:
            kind = body.get("t") if isinstance(body, dict) else None
            wanted = _MEMBERS.get(kind) if isinstance(kind, str) else None
            if wanted is None:
                problem = f"an unknown type: {str(body)[:200]}"
            elif missing := [name for name in ("s", "e", *wanted) if name not in body]:
                problem = f"a {kind} without {', '.join(missing)}"
            else:
                problem = _numbers(body)
        if problem is not None:
            self.malformed.append(problem)
            return None
        return body


def exact(integer: int) -> int | str:
    """Return it as it travels: beyond 2^53 as a decimal string."""
    return integer if abs(integer) <= 1 << 53 else str(integer)


def integer(value: int | str) -> int:
    """Read it back."""
    return int(value)


def digest(params: dict[str, Any]) -> str:
    """Return the digest of parameters (section 4)."""
    lines = [f"{_quoted(name)}={_canonical(params[name])}\n" for name in sorted(params, key=str.encode)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _canonical(value: Any) -> str:
    if isinstance(value, bool):
        return f"b:{str(value).lower()}"
    if isinstance(value, int):
        return f"i:{value}"
    if isinstance(value, float):
        return f"f:{struct.pack('>d', value).hex()}"
    if isinstance(value, str):
        return f"s:{_quoted(value)}"
    raise TypeError(f"the kit's parameters are numbers and strings, not {value!r}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _same(value: Any, wanted: Any) -> bool:
    return str(value) == str(wanted) if isinstance(wanted, int) else value == wanted


def _numbers(body: dict[str, Any]) -> str | None:
    """Return what is wrong with whole numbers: they are no floats, and strings only beyond 2^53."""
    items = [*body.get("leases", ()), *body.get("running", ()), *body.get("events", ()), body]
    for item in items:
        for name in ("fence", "seq", "last_seq", "acked", "e", "step"):
            value = item.get(name) if isinstance(item, dict) else None
            if value is None:
                continue
            if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) > 1 << 53):
                return f"'{name}' is {value!r}"
            if isinstance(value, str) and not value.lstrip("-").isdecimal():
                return f"'{name}' is {value!r}"
    return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name appears twice in an object")
    return members
