# SPDX-License-Identifier: MIT
"""Encrypted connections: the keys of a socket, and what its monitor tells of a handshake."""

from __future__ import annotations

from typing import Any, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from ._connection import Connection

# Of the answer to a key (ZAP, RFC 27): not now, and no.
_REFUSED = 400
_EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_CONNECTED
    | zmq.EVENT_DISCONNECTED
)


class Unsupported(RuntimeError):
    """This Python's ZeroMQ cannot encrypt."""


class Keys(NamedTuple):
    """The coordinator's public key, and a pair of our own."""

    server: str
    public: str
    secret: str

    def __repr__(self) -> str:
        """Show none of them."""
        return "Keys(…)"

    __str__ = __repr__


def require() -> None:
    """Raise `Unsupported` where libzmq was built without CURVE."""
    if not zmq.has("curve"):
        raise Unsupported(
            f"this Python's ZeroMQ (libzmq {zmq.zmq_version()}) was built without CURVE, so it cannot encrypt a "
            "connection over TCP; `pip install --force-reinstall pyzmq` brings one that can"
        )


def keys(connection: Connection) -> Keys:
    """Return the keys that a connection file stands for."""
    return derived(connection.server, connection.secret)


def derived(server: str, secret: str) -> Keys:
    """Return the pair of a secret key."""
    require()
    return Keys(server, zmq.curve_public(secret.encode()).decode(), secret)


def drawn(server: str) -> Keys:
    """Return a pair that nobody had before."""
    require()
    public, secret = zmq.curve_keypair()
    return Keys(server, public.decode(), secret.decode())


def encrypt(socket: zmq.Socket[bytes], pair: Keys) -> None:
    """Have the socket encrypt, before it connects."""
    socket.setsockopt(zmq.CURVE_SERVERKEY, pair.server.encode())
    socket.setsockopt(zmq.CURVE_PUBLICKEY, pair.public.encode())
    socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret.encode())


class Handshakes:
    """Watches the handshakes of one socket, on the thread that owns it."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        """Begin to watch, before the socket connects."""
        self._socket = socket
        self.monitor: zmq.Socket[bytes] = socket.get_monitor_socket(_EVENTS)
        # Connected as far as TCP goes; as far as keys go; answered that the key is not accepted.
        self.is_reached = self.is_established = self.is_refused = False
        # Somebody answered and then was not who the key says.
        self.is_stranger = False

    def look(self) -> None:
        """Take in what has happened."""
        while self.monitor.poll(0):
            self._take(recv_monitor_message(self.monitor, zmq.DONTWAIT))

    def close(self) -> None:
        """Watch no more."""
        self._socket.disable_monitor()
        self.monitor.close(linger=0)

    def _take(self, happened: dict[str, Any]) -> None:
        event = happened["event"]
        if event == zmq.EVENT_CONNECTED:
            self.is_reached = True
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.is_established, self.is_stranger = True, False
        elif event == zmq.EVENT_DISCONNECTED:
            self.is_established = False
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self.is_refused = happened["value"] == _REFUSED
        else:
            self.is_stranger = True
