# SPDX-License-Identifier: MIT
"""A small coordinator for tests: it leases trials, keeps what it is told, and can lose and repeat messages.

It keeps the rules that matter to a worker: fences only grow, an event counts only as the successor of the one before,
an acknowledgement says what is kept, and an unknown session is answered with a resync.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from typing import Any

import zmq
from fake_gate import Gate

from sweepd import _wire as wire


class FakeCoordinator(threading.Thread):
    """Leases `trials` trials over `endpoint`; `faults` is the share of messages lost each way."""

    def __init__(
        self,
        endpoint: str,
        trials: int,
        *,
        heartbeat: float = 0.2,
        window: int = 256,
        faults: float = 0.0,
        seed: int = 0,
        lease: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        gate: Gate | None = None,
        versions: tuple[int, int] = (1, 2),
    ) -> None:
        super().__init__(daemon=True)
        # Of tcp://host:* only once it is `bound`.
        self.endpoint = endpoint
        self.gate, self.versions = gate, versions
        self.bound = threading.Event()
        # Not there, as one that is being restarted: nothing is bound, no session known.
        self.down = False
        self.users: set[str] = set()
        self.queue = deque(range(trials))
        self.total = trials
        self.random = random.Random(seed)
        self.faults = faults
        self.heartbeat, self.window = heartbeat, window
        self.lease = lease or {}
        self.params = params or {"lr": 0.1, "opt.name": "sgd"}
        self.fence = 0
        self.epoch = 1
        # Per fence: trial, accepted, events in order, over.
        self.attempts: dict[int, dict[str, Any]] = {}
        self.session, self.peer = "", b""
        self.slots = 0
        self.desired: dict[int, tuple[str, str]] = {}
        self.drain = False
        self.silent = False
        self.forget_session = False
        self.hellos: list[dict[str, Any]] = []
        self.declined: list[tuple[int, str]] = []
        self.bye: str | None = None
        self.received = 0
        self.largest_batch = 0
        self.finished_at = 0.0
        self.error: BaseException | None = None
        self._halt = False
        self._offered_at = 0.0

    def run(self) -> None:
        context = zmq.Context()
        end = self.gate.protect(context) if self.gate is not None else lambda: None
        socket = self._bind(context)
        try:
            while not self._halt:
                if self.down:
                    socket.close(linger=0)
                    self.session = ""
                    while self.down and not self._halt:
                        time.sleep(0.01)
                    if self._halt:
                        break
                    self.epoch += 1
                    socket = self._bind(context)
                if socket.poll(20):
                    while True:
                        try:
                            peer, *rest = socket.recv_multipart(zmq.DONTWAIT, copy=False)
                        except zmq.Again:
                            break
                        peer, frames = peer.bytes, [frame.bytes for frame in rest]
                        if self.gate is not None and not self._is_worker(socket, peer, rest[-1].get("User-Id"), frames):
                            continue
                        if self.silent or self._lost():
                            continue
                        self.peer = peer
                        self._handle(socket, wire.decode(frames))
                if not self.silent:
                    self._offer(socket)
        except BaseException as error:
            self.error = error
        finally:
            end()
            context.destroy(linger=0)

    def stop(self) -> None:
        self._halt = True
        self.join()
        if self.error:
            raise self.error

    def _bind(self, context: zmq.Context) -> zmq.Socket:
        socket = context.socket(zmq.ROUTER)
        socket.linger = 0
        if self.gate is not None:
            self.gate.lock(socket)
        socket.bind(self.endpoint)
        self.endpoint = socket.last_endpoint.decode().rstrip("\0") if "*" in self.endpoint else self.endpoint
        self.bound.set()
        return socket

    def _is_worker(self, socket: zmq.Socket, peer: bytes, user: str, frames: list[bytes]) -> bool:
        self.users.add(user)
        if user.startswith("worker:"):
            return True
        answer = self.gate.enrol(user, frames)
        if answer is not None:
            socket.send_multipart([peer, *answer])
        return False

    @property
    def done(self) -> int:
        return sum(attempt["over"] for attempt in self.attempts.values())

    def events(self, trial: int) -> list[dict[str, Any]]:
        """Return the events of the trial's attempts, in order."""
        return [event for attempt in self.attempts.values() if attempt["trial"] == trial for event in attempt["events"]]

    def _lost(self) -> bool:
        return self.faults > 0 and self.random.random() < self.faults

    def _send(self, socket: zmq.Socket, kind: str, **fields: Any) -> None:
        message = {"t": kind, "s": fields.pop("s", self.session), "e": self.epoch, **fields}
        repeats = 2 if self.faults and self.random.random() < self.faults else 1
        for _ in range(0 if self._lost() else repeats):
            socket.send_multipart([self.peer, wire.MAGIC, json.dumps(message).encode()], zmq.DONTWAIT)

    def _handle(self, socket: zmq.Socket, message: dict[str, Any]) -> None:
        self.received += 1
        kind = message["t"]
        if kind == "hello":
            self.hellos.append(message)
            version = min(self.versions[1], message["versions"][1])
            if version < max(self.versions[0], message["versions"][0]):
                self._send(socket, "error", s="", code="version", message="this coordinator speaks another", fatal=True)
                return
            self.session = f"session-{len(self.hellos)}"
            self.slots = message["slots"] + message["prefetch"]
            self._send(
                socket,
                "welcome",
                version=version,
                database="test",
                window=self.window,
                heartbeat_ms=int(self.heartbeat * 1000),
                desired=self._verdicts(message["running"]),
            )
            self._offered_at = 0.0
            return
        if message["s"] != self.session or self.forget_session:
            self.forget_session = False
            self.session = ""
            self._send(socket, "resync", s="")
            return
        if kind == "beat":
            self._send(socket, "beat", desired=self._verdicts(message["leases"]), drain=self.drain)
        elif kind == "accept":
            attempt = self.attempts[message["fence"]]
            assert message["digest"] == wire.parameters_digest(self.params)
            attempt["accepted"] = True
        elif kind == "decline":
            self.declined.append((message["fence"], message["reason"]))
            attempt = self.attempts[message["fence"]]
            if not attempt["over"] and not attempt["void"]:
                attempt["void"] = True
                self.queue.append(attempt["trial"])
        elif kind == "events":
            self._take(socket, message["events"])
        elif kind == "bye":
            self.bye = message["reason"]

    def _verdicts(self, leases: list[dict[str, int]]) -> list[dict[str, Any]]:
        result = []
        for item in leases:
            fence = item["fence"]
            attempt = self.attempts.get(fence)
            state, reason = self.desired.get(fence, ("run", ""))
            if attempt is None or attempt["over"]:
                state, reason = "abandon", "over"
            acked = len(attempt["events"]) if attempt else 0
            result.append({"fence": fence, "state": state, "reason": reason, "acked": acked})
        return result

    def _take(self, socket: zmq.Socket, events: list[dict[str, Any]]) -> None:
        assert 0 < len(events) <= wire.EVENTS_PER_MESSAGE
        self.largest_batch = max(self.largest_batch, len(events))
        acked, gaps = {}, {}
        for event in events:
            fence, sequence = event["fence"], event["seq"]
            attempt = self.attempts[fence]
            kept = attempt["events"]
            if sequence == len(kept) + 1 and not attempt["void"]:
                kept.append(event)
                if event["kind"] in ("finished", "failed"):
                    attempt["over"] = True
                    self.finished_at = time.monotonic()
            elif sequence > len(kept) + 1:
                gaps[fence] = len(kept) + 1
                continue
            acked[fence] = len(kept)
        if acked:
            self._send(socket, "ack", sequences=[{"fence": f, "seq": s} for f, s in acked.items()])
        if gaps:
            self._send(socket, "nack", sequences=[{"fence": f, "seq": s} for f, s in gaps.items()])

    def _offer(self, socket: zmq.Socket) -> None:
        if not self.session or self.drain:
            return
        live = (
            [f for f, attempt in self.attempts.items() if not attempt["over"] and not attempt["void"]]
            if (self.fence)
            else []
        )
        now = time.monotonic()
        offered = []
        if now - self._offered_at >= 0.3:
            self._offered_at = now
            offered = [f for f in live if not self.attempts[f]["accepted"]]
        for _ in range(min(len(self.queue), self.slots - len(live))):
            self.fence += 1
            trial = self.queue.popleft()
            self.attempts[self.fence] = {
                "trial": trial,
                "accepted": False,
                "events": [],
                "over": False,
                "void": False,
            }
            offered.append(self.fence)
        if offered:
            self._send(socket, "leases", leases=[self._lease(fence) for fence in offered[:64]])

    def _lease(self, fence: int) -> dict[str, Any]:
        return {
            "fence": fence,
            "sweep": 1,
            "sweep_name": "test",
            "trial": self.attempts[fence]["trial"],
            "attempt": 1,
            "params": self.params,
            "params_digest": wire.parameters_digest(self.params),
            "seed": str(2**63 + 5),
            "objective": {"metric": "loss", "goal": "minimize"},
            "command": [],
            "attempt_directory": "",
            **self.lease,
        }
