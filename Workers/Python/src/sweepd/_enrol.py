# SPDX-License-Identifier: MIT
"""Enrolment: an invitation is exchanged for a key of this machine's own, which never leaves it."""

from __future__ import annotations

import json
import time

import zmq

from . import _connection, _curve
from ._connection import Connection
from ._curve import Handshakes, Keys
from ._keys import Malformed, members
from ._token import InvitationError, Token

MAGIC = b"sweepd-enrol/1"
FRAME_BYTES = 64 << 10
# The request is repeated after the first, doubling, and given up after the last.
FIRST_RETRY, PATIENCE = 1.0, 30.0


class EnrolmentError(RuntimeError):
    """The coordinator could not be reached, or would not enrol this machine."""


def enrol(token: Token, name: str) -> Connection:
    """Make a key pair, have it accepted under the invitation, and return what belongs into the connection file.

    `name` is a wish. The request may be repeated: the same key gets the same answer. All endpoints are tried at once.
    """
    pair = _curve.drawn(token.server)
    invited = _curve.derived(token.server, token.secret)
    request = json.dumps({"op": "enrol", "key": pair.public, "name": name}, separators=(",", ":")).encode()
    context = zmq.Context()
    dialled: list[tuple[str, zmq.Socket[bytes], Handshakes]] = []
    try:
        for endpoint in token.endpoints:
            dialled.append((endpoint, *_dial(context, endpoint, invited)))
        given = _answer(dialled, request)
    finally:
        for _, socket, handshakes in dialled:
            handshakes.close()
            socket.close(linger=0)
        context.destroy(linger=0)
    return Connection(token.role, given, token.endpoints, token.server, pair.secret)


def _dial(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, keys: Keys) -> tuple[zmq.Socket[bytes], Handshakes]:
    socket = context.socket(zmq.DEALER)
    for option, value in (
        (zmq.IMMEDIATE, 1),
        (zmq.MAXMSGSIZE, FRAME_BYTES),
        (zmq.LINGER, 0),
        (zmq.HANDSHAKE_IVL, 5000),
        (zmq.RECONNECT_IVL, 500),
        (zmq.RECONNECT_IVL_MAX, 30_000),
        (zmq.CONNECT_TIMEOUT, 10_000),
        (zmq.IPV6, 1),
    ):
        socket.setsockopt(option, value)
    _curve.encrypt(socket, keys)
    handshakes = Handshakes(socket)
    socket.connect(endpoint)
    return socket, handshakes


def _answer(dialled: list[tuple[str, zmq.Socket[bytes], Handshakes]], request: bytes) -> str:
    """Return the name that was given."""
    began = time.monotonic()
    retry = FIRST_RETRY
    unsent = {socket for _, socket, _ in dialled}
    send_again_at = began + retry
    while True:
        now = time.monotonic()
        if now - began >= PATIENCE:
            raise EnrolmentError(_silence(dialled))
        if now >= send_again_at:
            retry *= 2
            send_again_at = now + retry
            unsent = {socket for _, socket, _ in dialled}
        places: list[tuple[zmq.Socket[bytes], int]] = []
        for _, socket, handshakes in dialled:
            places.append((socket, zmq.POLLIN | (zmq.POLLOUT if socket in unsent else 0)))
            places.append((handshakes.monitor, zmq.POLLIN))
        nap = min(send_again_at, began + PATIENCE) - now
        for place, events in zmq.zmq_poll(places, int(nap * 1000) + 1):
            if place in unsent and events & zmq.POLLOUT:
                unsent.discard(place)
                try:
                    place.send_multipart((MAGIC, request), zmq.DONTWAIT)
                except zmq.Again:
                    unsent.add(place)
        for endpoint, socket, handshakes in dialled:
            handshakes.look()
            name = _received(socket, endpoint)
            if name is not None:
                return name
        # Whoever answers so has the key that the invitation names: it is the coordinator.
        if any(handshakes.is_refused for _, _, handshakes in dialled):
            raise InvitationError(_refusal(dialled))


def _received(socket: zmq.Socket[bytes], endpoint: str) -> str | None:
    try:
        frames = socket.recv_multipart(zmq.DONTWAIT)
    except zmq.Again:
        return None
    problem = "is no message of this protocol"
    if len(frames) == 2 and frames[0] == MAGIC and len(frames[1]) <= FRAME_BYTES:
        try:
            answer = members(frames[1])
        except Malformed as error:
            answer, problem = {}, str(error)
        refusal = answer.get("error")
        if isinstance(refusal, str):
            raise InvitationError(f"the coordinator at {endpoint} does not enrol this machine: {refusal[:1000]}")
        name = answer.get("name")
        if answer.get("ok") is True and isinstance(name, str) and _connection.is_name(name):
            return name
    raise EnrolmentError(f"the answer of the coordinator at {endpoint} {problem}; is it of the same release?")


def _refusal(dialled: list[tuple[str, zmq.Socket[bytes], Handshakes]]) -> str:
    return (
        f"the coordinator at {_listed(dialled)} does not accept this invitation: it has expired, was used up or "
        "withdrawn, or is another coordinator's; ask for a new one (`sweepd invite`)"
    )


def _silence(dialled: list[tuple[str, zmq.Socket[bytes], Handshakes]]) -> str:
    strangers = [entry for entry in dialled if entry[2].is_stranger]
    if strangers:
        return (
            f"something answers at {_listed(strangers)}, but it is not the coordinator of this invitation: is its "
            "address another program's now, or its data directory a new one?"
        )
    mute = [entry for entry in dialled if entry[2].is_established]
    if mute:
        return f"the coordinator at {_listed(mute)} does not answer the enrolment; look at its log"
    return unreachable([endpoint for endpoint, _, _ in dialled], PATIENCE)


def unreachable(endpoints: list[str], seconds: float) -> str:
    """Say that nothing answers, and what to look at."""
    return (
        f"no coordinator answers at {' or '.join(endpoints)} after {seconds:g} s: check that it runs, that its address "
        "and port are these (`sweepd serve` prints them), and that no firewall is in between"
    )


def _listed(dialled: list[tuple[str, zmq.Socket[bytes], Handshakes]]) -> str:
    return " or ".join(endpoint for endpoint, _, _ in dialled)
