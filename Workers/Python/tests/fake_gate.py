# SPDX-License-Identifier: MIT
"""The door of a coordinator on a network, for tests: which keys may come in (ZAP, RFC 27), and enrolment."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils import z85

# ZMQ_ZAP_ENFORCE_DOMAIN: without it a connection is let in when nobody can be asked.
_ENFORCE_DOMAIN = 93
ENROL_MAGIC = b"sweepd-enrol/1"


def keypair() -> tuple[str, str]:
    """Return a public key and its secret one."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


class Gate:
    """Keys, and who has them; `status` is the answer to a key that nobody has."""

    def __init__(self) -> None:
        self.public, self.secret = keypair()
        self.users: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.status = "400"
        self.requests: list[dict[str, Any]] = []
        # Answers to an enrolment that are lost, and one that is given in place of the right one.
        self.lose = 0
        self.refusal: str | None = None

    def invitation(self, *endpoints: str, role: str = "worker", seconds: float = 3600) -> str:
        """Return a token, whose key may come in."""
        public, secret = keypair()
        self.users[public] = f"enrol:{len(self.users)}"
        return token(
            v=1,
            role=role,
            endpoints=list(endpoints),
            server=self.public,
            secret=secret,
            expires=int(time.time() + seconds),
        )

    def protect(self, context: zmq.Context) -> Callable[[], None]:
        """Answer for the sockets of the context that are locked, before one binds; return what ends that."""
        asked = context.socket(zmq.REP)
        asked.linger = 0
        asked.bind("inproc://zeromq.zap.01")
        ended = threading.Event()
        thread = threading.Thread(target=self._answer, args=(asked, ended), daemon=True)
        thread.start()

        def end() -> None:
            ended.set()
            thread.join()

        return end

    def lock(self, socket: zmq.Socket) -> None:
        """Have the socket let nobody in without asking at this gate."""
        socket.curve_server = True
        socket.curve_secretkey = self.secret.encode()
        socket.zap_domain = b"test"
        socket.setsockopt(_ENFORCE_DOMAIN, 1)

    def enrol(self, user: str, frames: list[bytes]) -> list[bytes] | None:
        """Answer a request under an invitation's key."""
        assert user.startswith("enrol:") and frames[0] == ENROL_MAGIC and len(frames) == 2, (user, frames)
        request = json.loads(frames[1])
        self.requests.append(request)
        if self.lose:
            self.lose -= 1
            return None
        if self.refusal is not None:
            return [ENROL_MAGIC, json.dumps({"error": self.refusal}).encode()]
        assert request["op"] == "enrol"
        name = self.names.setdefault(request["key"], f"{request['name']}-{len(self.names) + 1}")
        self.users[request["key"]] = f"worker:{name}"
        return [ENROL_MAGIC, json.dumps({"ok": True, "name": name}).encode()]

    def _answer(self, asked: zmq.Socket, ended: threading.Event) -> None:
        while not ended.is_set():
            if not asked.poll(20):
                continue
            version, number, _, _, _, mechanism, key = asked.recv_multipart()
            assert (version, mechanism) == (b"1.0", b"CURVE")
            public = z85.encode(key).decode()
            user = self.users.get(public)
            status = self.status if user is None else "200"
            asked.send_multipart([version, number, status.encode(), b"", (user or "").encode(), b""])
        asked.close(linger=0)


def token(**members: Any) -> str:
    """Return what `sweepd invite` would print."""
    return "sweepd1." + base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
