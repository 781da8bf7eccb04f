# SPDX-License-Identifier: MIT
"""Connections that do not say what they should, each a function of its random numbers."""

from __future__ import annotations

import json
import os
import random
import struct
from typing import NamedTuple

import zmtp

MAGIC = b"sweepd/1"
HELLO = (
    b'{"t":"hello","s":"","e":0,"versions":[1,2],"boot":"' + b"ab" * 16 + b'","agent":"f","host":"f","pid":1,'
    b'"slots":0,"prefetch":0,"running":[]}'
)
_MECHANISMS = (b"NULL", b"CURVE", b"PLAIN", b"GSSAPI", b"", b"curve", b"CURVE\0x", b"\xff" * 20)
_KINDS = (b"DEALER", b"ROUTER", b"REQ", b"PUB", b"PAIR", b"STREAM", b"", b"X" * 255, b"SERVER")
_COMMANDS = (b"READY", b"HELLO", b"WELCOME", b"INITIATE", b"ERROR", b"PING", b"PONG", b"SUBSCRIBE", b"MESSAGE", b"")


class Target(NamedTuple):
    """Where to connect, and with which keys (server, public, secret as Z85) if any."""

    place: tuple[str, int] | str
    keys: tuple[str, str, str] | None


def damaged(data: bytes, rnd: random.Random) -> bytes:
    """Change some of the bytes."""
    text = bytearray(data)
    for _ in range(rnd.choice((0, 1, 1, 1, 2, 5))):
        if not text:
            break
        place = rnd.randrange(len(text))
        kind = rnd.randrange(6)
        if kind == 0:
            text[place] = rnd.randrange(256)
        elif kind == 1:
            text[place] ^= 1 << rnd.randrange(8)
        elif kind == 2:
            del text[place : place + rnd.choice((1, 1, 8, 40))]
        elif kind == 3:
            text[place:place] = rnd.randbytes(rnd.choice((1, 4, 64)))
        elif kind == 4:
            text[place:place] = text[: rnd.randrange(80)]
        else:
            # A size that lies.
            text[place : place + 8] = struct.pack(">Q", rnd.choice((0, 255, 1 << 20, 1 << 31, (1 << 63) - 1, 1 << 63)))
    return bytes(text)


def frames(rnd: random.Random) -> bytes:
    """A few frames, of which some are none."""
    result = b""
    for _ in range(rnd.randrange(6)):
        kind = rnd.randrange(5)
        if kind == 0:
            body = rnd.randbytes(rnd.randrange(100))
            result += zmtp.command(rnd.choice(_COMMANDS), body)
        elif kind == 1:
            result += zmtp.frame(MAGIC, more=True) + zmtp.frame(damaged(HELLO, rnd))
        elif kind == 2:
            result += zmtp.frame(rnd.randbytes(rnd.choice((0, 1, 255, 256, 3000))), more=rnd.random() < 0.5)
        elif kind == 3:
            result += bytes([rnd.randrange(256)]) + struct.pack(">Q", rnd.getrandbits(64)) + rnd.randbytes(20)
        else:
            result += bytes([rnd.choice((4, 6, 5, 7, 0x80, 0xFF))]) + rnd.randbytes(30)
    return result


def old(rnd: random.Random) -> bytes:
    """ZMTP 1 and 2, and what is no ZMTP at all."""
    identity = rnd.randbytes(rnd.choice((0, 1, 254)))
    openings = (
        bytes([len(identity) + 1, 0]) + identity + b"\x09\x01" + MAGIC + b"\x03\x00{}",
        b"\xff" + struct.pack(">Q", rnd.getrandbits(64)) + b"\x7f\x01\x05\0" + bytes([len(identity)]) + identity,
        b"\xff" + b"\0" * 8 + b"\x7f\x00\x05\0\0\x01\x08" + MAGIC,
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"\x16\x03\x01\x02\x00" + rnd.randbytes(200),
        rnd.randbytes(rnd.randrange(300)),
    )
    return damaged(rnd.choice(openings), rnd) + frames(rnd)


def plain(rnd: random.Random) -> bytes:
    """ZMTP 3 without encryption: everything at once."""
    mechanism = rnd.choice(_MECHANISMS) if rnd.random() < 0.5 else b"NULL"
    version = (3, rnd.choice((0, 0, 1, 2, 255))) if rnd.random() < 0.8 else (rnd.randrange(256), rnd.randrange(256))
    opening = zmtp.greeting(mechanism, version, rnd.choice((0, 0, 1, 255)))
    about = zmtp.metadata(rnd.choice(_KINDS) if rnd.random() < 0.4 else b"DEALER", rnd.randbytes(rnd.choice((0, 0, 5))))
    rest = zmtp.command(b"READY", about) + zmtp.frame(MAGIC, more=True) + zmtp.frame(HELLO)
    return damaged(opening, rnd) + damaged(rest, rnd) + frames(rnd)


def blind_curve(rnd: random.Random) -> bytes:
    """CURVE's commands by who knows no key: everything at once."""
    hello = zmtp.command(b"HELLO", b"\1\0" + b"\0" * 72 + rnd.randbytes(32 + 8 + 80))
    initiate = zmtp.command(b"INITIATE", rnd.randbytes(96 + 8 + rnd.choice((144, 200, 16, 0))))
    return zmtp.greeting() + damaged(hello, rnd) + damaged(initiate, rnd) + frames(rnd)


def curve(wire: zmtp.Wire, keys: tuple[str, str, str], rnd: random.Random) -> None:
    """CURVE with real keys, damaged at one step, or behind a good handshake."""
    client = zmtp.CurveClient(*keys)
    step = rnd.choice((0, 1, 1, 2, 2, 2, 3, 3, 3, 3))
    wire.send(damaged(zmtp.greeting(), rnd) if step == 0 else zmtp.greeting())
    wire.read(64)
    wire.send(damaged(client.hello(), rnd) if step == 1 else client.hello())
    client.take_welcome(wire.frame()[1])
    about = zmtp.metadata()
    if step == 2 and rnd.random() < 0.7:
        about = damaged(zmtp.metadata(rnd.choice(_KINDS), rnd.randbytes(rnd.choice((0, 5, 255)))), rnd)
        wire.send(client.initiate(about))
    else:
        wire.send(damaged(client.initiate(), rnd) if step == 2 else client.initiate())
    if step < 3:
        wire.send(client.message(MAGIC, more=True) + client.message(HELLO))
        return
    wire.frame()
    for _ in range(rnd.randrange(1, 6)):
        kind = rnd.randrange(6)
        if kind == 0:
            wire.send(damaged(client.message(HELLO), rnd))
        elif kind == 1:
            wire.send(client.message(MAGIC, more=True) + client.message(damaged(HELLO, rnd)))
        elif kind == 2:
            # Flags within the box, commands among them.
            wire.send(client.message(rnd.randbytes(rnd.randrange(60)), flags=rnd.randrange(256)))
        elif kind == 3:
            client.nonce -= rnd.choice((0, 1, 2, 1000)) if client.nonce > 1000 else 0
            wire.send(client.message(b"", more=rnd.random() < 0.5))
        elif kind == 4:
            wire.send(zmtp.frame(rnd.randbytes(rnd.choice((0, 8, 16, 32, 33, 200)))))
        else:
            wire.send(client.message(rnd.randbytes(9), more=True) * rnd.randrange(1, 4))


def attack(target: Target, rnd: random.Random) -> str:
    """Make one connection; return what kind it was."""
    kind = rnd.random()
    wire = zmtp.Wire(target.place, patience=0.2)
    try:
        if target.keys and kind < 0.25:
            curve(wire, target.keys, rnd)
            name = "curve"
        else:
            one = rnd.choice((old, plain, plain, blind_curve) if target.keys else (old, plain, plain, plain))
            wire.send(one(rnd))
            name = one.__name__
            if rnd.random() < 0.3:
                wire.read(64)
    except (zmtp.Closed, ValueError):
        # It was hung up on: what else.
        name = "refused"
    except OSError:
        name = "refused"
    finally:
        wire.close()
    return name


def lawless(rnd: random.Random, fences: list[int], session: str, epoch: int) -> list[bytes]:
    """A message as an enrolled worker could send it: mostly well-formed, never lawful."""
    huge = (1 << 63) - 1
    fence = rnd.choice([*fences, 0, 1, huge, (1 << 53) - 1, rnd.randrange(50), -1])
    seq = rnd.choice((0, 1, 2, 3, huge, -1, rnd.randrange(100)))
    body: dict[str, object] = {
        "s": session if rnd.random() < 0.8 else rnd.choice(("", "x", session[:-1], "\x1b[2J")),
        "e": epoch if rnd.random() < 0.9 else rnd.choice((0, -1, huge, epoch + 1)),
    }
    held = [{"fence": fence, "last_seq": seq, "acked": rnd.choice((0, seq))} for _ in range(rnd.randrange(3))]
    kind = rnd.choice(("beat", "accept", "decline", "events", "events", "events", "bye", "hello"))
    body["t"] = kind
    if kind == "beat":
        body["leases"] = held
    elif kind == "accept":
        body |= {"fence": fence, "digest": rnd.choice(("0" * 64, "", "x" * 256))}
    elif kind == "decline":
        body |= {"fence": fence, "reason": "r" * rnd.randrange(100)}
    elif kind == "bye":
        body["reason"] = "b"
        if rnd.random() < 0.95:
            # Else it is for ever in need of a welcome.
            body["s"] = "x"
    elif kind == "hello":
        body |= {
            "versions": rnd.choice(([1, 2], [1, 1], [2, 2], [3, 9], [2, 1])),
            "boot": f"{rnd.randrange(8):032x}",
            "agent": "a",
            "host": rnd.choice(("h", "\x1b[31m", "x" * 256)),
            "pid": seq,
            "slots": rnd.choice((0, 0, 0, -1, huge)),
            "prefetch": rnd.choice((0, huge)),
            "running": held,
            "labels": ["l"] * rnd.randrange(3),
            "tasks": {"t": "0" * 64},
            "commands": False,
        }
        # A few: each takes the coordinator to its disk.
        if rnd.random() < 0.9:
            body["versions"] = [3, 9]
    else:
        kinds = (
            {"kind": "started"},
            {"kind": "report", "step": seq, "metrics": {"loss": rnd.choice((-1e300, "NaN", 0.5))}},
            {"kind": "checkpoint", "step": 1, "location": rnd.choice(("/", "../x", "/etc/x", "s3://x/y")), "bytes": 1},
            {"kind": "warning", "text": "w"},
            {"kind": "finished", "outcome": "completed"},
            {"kind": "failed", "failure": {"cause": "infrastructure", "message": "m"}},
            {"kind": "failed", "failure": {"cause": "user", "message": "m", "tail": "t" * 100}},
        )
        body["events"] = [{"fence": fence, "seq": seq, **rnd.choice(kinds)} for _ in range(rnd.randrange(1, 4))]
    text = json.dumps(body).encode()
    if rnd.random() < 0.3:
        text = damaged(text, rnd)
    return [MAGIC, text] if rnd.random() < 0.97 else [os.urandom(8)] * rnd.randrange(1, 5)
