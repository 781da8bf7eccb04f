# SPDX-License-Identifier: MIT
"""ZMTP by hand (RFC 23, RFC 26): greetings, frames, and the client's half of a CURVE handshake.

libzmq would refuse to say most of what an attacker says. The cryptography is libsodium's, which libzmq links anyway.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct

from zmq.utils import z85

_sodium = ctypes.CDLL("libsodium.so.23")
_sodium.sodium_init()
MAC = 16


def key_pair() -> tuple[bytes, bytes]:
    """Return a public key and its secret one, 32 bytes each."""
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    _sodium.crypto_box_keypair(public, secret)
    return public.raw, secret.raw


def box(text: bytes, nonce: bytes, public: bytes, secret: bytes) -> bytes:
    """Encrypt to `public` by `secret`."""
    result = ctypes.create_string_buffer(len(text) + MAC)
    _sodium.crypto_box_easy(result, text, ctypes.c_ulonglong(len(text)), nonce, public, secret)
    return result.raw


def unbox(text: bytes, nonce: bytes, public: bytes, secret: bytes) -> bytes:
    """Decrypt; raise ValueError where it was not made for us."""
    result = ctypes.create_string_buffer(max(1, len(text) - MAC))
    length = ctypes.c_ulonglong(len(text))
    if len(text) < MAC or _sodium.crypto_box_open_easy(result, text, length, nonce, public, secret):
        raise ValueError("does not open")
    return result.raw[: len(text) - MAC]


def greeting(mechanism: bytes = b"CURVE", version: tuple[int, int] = (3, 0), as_server: int = 0) -> bytes:
    """Return the 64 bytes that a connection of ZMTP 3 begins with."""
    signature = b"\xff" + b"\0" * 8 + b"\x7f"
    return signature + bytes(version) + mechanism.ljust(20, b"\0") + bytes([as_server]) + b"\0" * 31


def frame(body: bytes, more: bool = False, command: bool = False) -> bytes:
    """Return a frame with its flags and its size."""
    flags = (1 if more else 0) | (4 if command else 0)
    if len(body) > 255:
        return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def command(name: bytes, data: bytes = b"") -> bytes:
    """Return a command's frame."""
    return frame(bytes([len(name)]) + name + data, command=True)


def metadata(kind: bytes = b"DEALER", identity: bytes = b"") -> bytes:
    """Return what a peer tells of itself in READY or INITIATE."""

    def member(name: bytes, value: bytes) -> bytes:
        return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value

    return member(b"Socket-Type", kind) + member(b"Identity", identity)


class Closed(Exception):
    """The other side hung up."""


class Wire:
    """A connection, and what was read of it."""

    def __init__(self, place: tuple[str, int] | str, patience: float = 2.0) -> None:
        """Connect to a host and port, or to the path of a socket."""
        family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(patience)
        self.socket.connect(place)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Closed from error

    def read(self, count: int) -> bytes:
        """Read exactly so many bytes."""
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except OSError as error:
                raise Closed from error
            if not more:
                raise Closed
            data += more
        return data

    def frame(self) -> tuple[int, bytes]:
        """Read a frame: its flags and its body."""
        flags = self.read(1)[0]
        size = struct.unpack(">Q", self.read(8))[0] if flags & 2 else self.read(1)[0]
        return flags, self.read(size)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class CurveClient:
    """The client's half of the handshake, one step a method, each returning what is to be sent."""

    def __init__(self, server: str, public: str, secret: str) -> None:
        """Take keys as Z85."""
        self.server, self.public, self.secret = z85.decode(server), z85.decode(public), z85.decode(secret)
        self.own_public, self.own_secret = key_pair()
        self.session = b""
        self.cookie = b""
        self.nonce = 1

    def _short(self) -> bytes:
        self.nonce += 1
        return struct.pack(">Q", self.nonce)

    def hello(self) -> bytes:
        """Return HELLO."""
        short = self._short()
        signature = box(b"\0" * 64, b"CurveZMQHELLO---" + short, self.server, self.own_secret)
        return command(b"HELLO", b"\1\0" + b"\0" * 72 + self.own_public + short + signature)

    def take_welcome(self, body: bytes) -> None:
        """Read WELCOME; raise ValueError where the server is not who its key says."""
        if body[:8] != b"\x07WELCOME":
            raise ValueError(f"{body[:8]!r} instead of WELCOME")
        opened = unbox(body[24:], b"WELCOME-" + body[8:24], self.server, self.own_secret)
        self.session, self.cookie = opened[:32], opened[32:]

    def initiate(self, about: bytes = metadata()) -> bytes:
        """Return INITIATE."""
        nonce = os.urandom(16)
        vouch = box(self.own_public + self.server, b"VOUCH---" + nonce, self.session, self.secret)
        short = self._short()
        sealed = box(
            self.public + nonce + vouch + about, b"CurveZMQINITIATE" + short, self.session, self.own_secret
        )
        return command(b"INITIATE", self.cookie + short + sealed)

    def message(self, body: bytes, more: bool = False, flags: int | None = None) -> bytes:
        """Return a MESSAGE that holds a frame."""
        short = self._short()
        inner = bytes([int(more) if flags is None else flags]) + body
        return frame(b"\x07MESSAGE" + short + box(inner, b"CurveZMQMESSAGEC" + short, self.session, self.own_secret))

    def open_message(self, body: bytes) -> tuple[int, bytes]:
        """Read a MESSAGE of the server: the flags within and the frame."""
        if body[:8] != b"\x07MESSAGE":
            raise ValueError(f"{body[:8]!r} instead of MESSAGE")
        opened = unbox(body[16:], b"CurveZMQMESSAGES" + body[8:16], self.session, self.own_secret)
        return opened[0], opened[1:]

    def shake(self, wire: Wire) -> None:
        """Do the whole handshake; raise Closed or ValueError where it is refused."""
        wire.send(greeting())
        wire.read(64)
        wire.send(self.hello())
        self.take_welcome(wire.frame()[1])
        wire.send(self.initiate())
        _, body = wire.frame()
        if not body.startswith(b"\x05READY"):
            raise ValueError(f"{body[:10]!r} instead of READY")
