# SPDX-License-Identifier: MIT
"""Connections that do not say what they should, each a function of its random numbers."""

from __future__ import annotations

import json
import os
import random
import struct
from dataclasses import dataclass
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
            # Few: a worker that wants everything is the attacks' affair, here others must get their share.
            "slots": rnd.choice((0, 0, 0, -1, 1)),
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


@dataclass
class Held:
    """A lease of the lawless worker's own, and how far it believes to have got with it."""

    fence: int
    digest: str
    seq: int = 0
    step: int = 0
    is_accepted: bool = False
    is_over: bool = False


def lawful_step(rnd: random.Random, held: Held) -> dict[str, object]:
    """What comes next by the rules: without it, no lease would ever get into the states that can be wrong."""
    if not held.is_accepted:
        held.is_accepted = True
        return {"t": "accept", "fence": str(held.fence), "digest": held.digest}
    held.seq += 1
    event: dict[str, object] = {"fence": str(held.fence), "seq": held.seq}
    if held.seq == 1:
        event["kind"] = "started"
    elif (chance := rnd.random()) < 0.75:
        held.step += 1
        event |= {"kind": "report", "step": held.step, "metrics": {"loss": rnd.random()}}
    elif chance < 0.9:
        event |= {"kind": "checkpoint", "step": held.step, "location": f"/nowhere/{held.fence}/{held.step}", "bytes": 1}
    else:
        event |= rnd.choice(_ENDS)
        held.is_over = True
    return {"t": "events", "events": [event]}


_ENDS: tuple[dict[str, object], ...] = (
    {"kind": "finished", "outcome": "completed"},
    {"kind": "finished", "outcome": "stopped"},
    {"kind": "failed", "failure": {"cause": "user", "message": "m"}},
    {"kind": "failed", "failure": {"cause": "infrastructure", "message": "m"}},
    {"kind": "failed", "failure": {"cause": "diverged", "message": "m"}},
)


def lawless_step(rnd: random.Random, held: Held) -> dict[str, object]:
    """What nobody may say of his own lease in the state that it is in."""
    huge = (1 << 63) - 1
    fence, following = str(held.fence), held.seq + 1

    def event(seq: int, **members: object) -> dict[str, object]:
        return {"fence": fence, "seq": seq, **members}

    def report(seq: int, step: int, loss: object = -1e6) -> dict[str, object]:
        return event(seq, kind="report", step=step, metrics={"loss": loss})

    def events(*several: dict[str, object]) -> dict[str, object]:
        return {"t": "events", "events": list(several)}

    kind = rnd.choice(_LAWLESS)
    if kind == "another digest":
        # Also of what has begun, and of what is over.
        return {"t": "accept", "fence": fence, "digest": rnd.choice(("0" * 64, held.digest[::-1], ""))}
    if kind == "accept again":
        return {"t": "accept", "fence": fence, "digest": held.digest}
    if kind == "decline":
        held.is_over = True
        return {"t": "decline", "fence": fence, "reason": "r"}
    if kind == "two ends":
        one, other = rnd.choice(_ENDS), rnd.choice(_ENDS)
        held.seq, held.is_over = held.seq + 1, True
        return events(event(following, **one), event(following + rnd.choice((0, 1)), **other))
    if kind == "after the end":
        held.seq, held.is_over = held.seq + 1, True
        return events(event(following, **rnd.choice(_ENDS)), report(following + 1, 1), report(following + 2, 2))
    if kind == "step back":
        held.seq += 1
        return events(report(following, rnd.choice((0, 1, max(0, held.step - 3), -1, -huge - 1))))
    if kind == "said otherwise":
        return events(report(rnd.randint(0, max(0, held.seq)), held.step), report(held.seq, held.step, -1e9))
    if kind == "gap":
        return events(report(following + rnd.choice((1, 2, 1000, huge - following)), held.step + 1))
    if kind == "mixed up":
        several = [report(following + number, held.step + number) for number in range(5)]
        rnd.shuffle(several)
        return events(*several)
    if kind == "huge":
        loss = rnd.choice((1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -0.0, "NaN", "Infinity", "-Infinity"))
        held.seq += 1
        return events(report(following, rnd.choice((held.step, huge, huge - 1, 1 << 53)), loss))
    if kind == "many":
        held.seq += 100
        return events(*(report(following + number, held.step) for number in range(100)))
    if kind == "metrics":
        held.seq += 1
        metrics = {rnd.choice(("", "loss", "\x1b[2J", "x" * 256)) + str(number): 0.5 for number in range(rnd.choice((0, 256, 300)))}
        return events(event(following, kind="report", step=held.step, metrics=metrics))
    if kind == "start":
        held.seq += 1
        return events(event(following, kind="started", resumed_from=rnd.choice((0, held.step, huge, -1))))
    if kind == "checkpoint":
        held.seq += 1
        step, size = rnd.choice((0, held.step, huge, -1)), rnd.choice((0, huge, -1))
        return events(event(following, kind="checkpoint", step=step, location=rnd.choice(_PLACES), bytes=size))
    if kind == "resources":
        held.seq, held.is_over = held.seq + 1, True
        resources = {"seconds": rnd.choice((-1.0, 1e308, "NaN")), "peak_memory": rnd.choice((-1, huge))}
        return events(event(following, kind="finished", outcome="completed", resources=resources))
    if kind == "forgotten":
        return {"t": "beat", "leases": []}
    lie = {"fence": fence, "last_seq": rnd.choice((0, -1, huge)), "acked": rnd.choice((0, huge, -1))}
    return {"t": "beat", "leases": [lie] * rnd.choice((1, 2))}


_LAWLESS = (
    *("another digest", "accept again", "decline", "two ends", "after the end", "step back", "said otherwise", "gap"),
    *("mixed up", "huge", "many", "metrics", "start", "checkpoint", "resources", "forgotten", "lie"),
)
_PLACES = ("/", "/etc/passwd", "../x", "file:///etc/passwd", "s3://x/y", "/nowhere\0/x", "/" + "x" * 5000, "")
