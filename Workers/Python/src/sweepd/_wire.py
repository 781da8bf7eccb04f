# SPDX-License-Identifier: MIT
"""Protocol version 1: messages to JSON text and back. Names and meanings are those of `Docs/protocol.md`.

Events are encoded once, when they happen, and joined into messages as text: a resend costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ._metrics import LARGEST_STEP, encoded

MAGIC = b"sweepd/1"
VERSION = 1
FRAME_BYTES = 1 << 20
EVENTS_PER_MESSAGE = 100
TAIL_BYTES = 8 << 10
REASON_BYTES = 1000
WARNING_CHARACTERS = 500

_text = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_quoted = json.JSONEncoder(ensure_ascii=False).encode


class WireError(ValueError):
    """What came in is no message of this protocol."""


class Introduction(NamedTuple):
    """What a worker says of itself in its hello."""

    boot: str
    agent: str
    host: str
    process_id: int
    slots: int
    prefetch: int


class Checkpoint(NamedTuple):
    """A checkpoint of an earlier attempt."""

    step: int
    location: str
    digest: str
    bytes: int


class Desired(NamedTuple):
    """What the coordinator wants of a lease."""

    fence: int
    state: str
    reason: str
    acknowledged: int


class Welcome(NamedTuple):
    """The session begins."""

    session: str
    epoch: int
    database: str
    window: int
    heartbeat: float
    desired: list[Desired]


class Lease(NamedTuple):
    """One attempt at one trial, as far as a function needs to know."""

    fence: int
    sweep: int
    sweep_name: str
    trial: int
    attempt: int
    params: dict[str, Any]
    params_digest: str
    computed_digest: str
    seed: int
    metric: str
    goal: str
    max_step: int | None
    attempt_directory: str
    resume: Checkpoint | None
    time_limit: float | None


# What the worker says.


def hello(facts: Introduction, held: Iterable[tuple[int, int, int]]) -> str:
    """Introduce the worker, with all that it holds."""
    return _text(
        {
            "t": "hello",
            "s": "",
            "e": 0,
            "versions": [VERSION, VERSION],
            "boot": facts.boot,
            "agent": facts.agent,
            "host": facts.host,
            "pid": facts.process_id,
            "slots": facts.slots,
            "prefetch": facts.prefetch,
            "running": _held(held),
        }
    )


def beat(session: str, epoch: int, held: Iterable[tuple[int, int, int]]) -> str:
    """Say that the worker lives, and what it holds."""
    return _text({"t": "beat", "s": session, "e": epoch, "leases": _held(held)})


def accept(session: str, epoch: int, fence: int, digest: str) -> str:
    """Take a lease."""
    return _text({"t": "accept", "s": session, "e": epoch, "fence": _exact(fence), "digest": digest})


def decline(session: str, epoch: int, fence: int, reason: str) -> str:
    """Hand a lease back."""
    return _text({"t": "decline", "s": session, "e": epoch, "fence": _exact(fence), "reason": beginning(reason)})


def bye(session: str, epoch: int, reason: str) -> str:
    """Leave."""
    return _text({"t": "bye", "s": session, "e": epoch, "reason": beginning(reason)})


def events(session: str, epoch: int, texts: Sequence[str]) -> str:
    """Put encoded events into one message."""
    return f'{{"t":"events","s":{_text(session)},"e":{epoch},"events":[{",".join(texts)}]}}'


def event(fence: int, sequence: int, body: str) -> str:
    """Number an event; `body` is one of the texts below."""
    name = str(fence) if fence <= LARGEST_STEP else f'"{fence}"'
    return f'{{"fence":{name},"seq":{sequence},{body}}}'


def started(resumed_from: int | None) -> str:
    """Training starts."""
    return '"kind":"started"' if resumed_from is None else f'"kind":"started","resumed_from":{resumed_from}'


def report(step: int, metrics: Mapping[str, float]) -> str:
    """Metrics at a step."""
    values = _text({name: encoded(value) for name, value in metrics.items()})
    return f'"kind":"report","step":{step},"metrics":{values}'


def checkpoint(step: int, location: str, digest: str, size: int) -> str:
    """A checkpoint is complete."""
    return f'"kind":"checkpoint","step":{step},"location":{_text(location)},"digest":"{digest}","bytes":{size}'


def warning(text: str) -> str:
    """Tell the user something."""
    return f'"kind":"warning","text":{_text(text[:WARNING_CHARACTERS])}'


def finished(outcome: str, resources: Mapping[str, Any]) -> str:
    """The attempt ended; `outcome` is "completed" or "stopped"."""
    return f'"kind":"finished","outcome":"{outcome}","resources":{_text(resources)}'


def failed(cause: str, message: str, tail: str, resources: Mapping[str, Any], exit_code: int | None = None) -> str:
    """The attempt failed."""
    failure: dict[str, Any] = {"cause": cause, "message": beginning(message)}
    if exit_code is not None:
        failure["exit_code"] = exit_code
    failure["tail"] = shortened(tail)
    return f'"kind":"failed","failure":{_text(failure)},"resources":{_text(resources)}'


def resources(seconds: float, seconds_per_step: float | None, peak_bytes: int | None) -> dict[str, Any]:
    """What an attempt used."""
    used: dict[str, Any] = {"seconds": round(seconds, 6)}
    if seconds_per_step is not None:
        used["seconds_per_step"] = round(seconds_per_step, 9)
    if peak_bytes is not None:
        used["peak_memory"] = peak_bytes
    return used


def beginning(text: str) -> str:
    """Return the beginning of the text, as much as a reason or a message may have."""
    return text.encode("utf-8", "replace")[:REASON_BYTES].decode("utf-8", "ignore")


def shortened(tail: str) -> str:
    """Return the end of the text, as much as a failure may carry."""
    data = tail.encode("utf-8", "replace")
    return data[-TAIL_BYTES:].decode("utf-8", "ignore")


# What the coordinator says.


def decode(frames: Sequence[bytes]) -> dict[str, Any]:
    """Return the message of two frames, or raise `WireError`."""
    if len(frames) != 2 or frames[0] != MAGIC:
        raise WireError("a message is two frames, and the first says sweepd/1")
    try:
        message = json.loads(frames[1], parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"no JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("t"), str):
        raise WireError("a message is an object with a type")
    return message


def welcome(message: Mapping[str, Any]) -> Welcome:
    """Read a welcome."""
    version = _integer(message, "version")
    if version != VERSION:
        raise WireError(f"the coordinator answers in version {version}, this worker speaks {VERSION}")
    return Welcome(
        session=_string(message, "s"),
        epoch=_integer(message, "e"),
        database=str(message.get("database") or ""),
        window=max(1, _integer(message, "window")),
        heartbeat=max(0.01, _integer(message, "heartbeat_ms") / 1000),
        desired=_desired(message),
    )


def beat_desired(message: Mapping[str, Any]) -> tuple[list[Desired], bool]:
    """Read a beat: what is wanted of each lease, and whether to drain."""
    return _desired(message), message.get("drain") is True


def sequences(message: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Read an ack or a nack: fences and sequence numbers."""
    return [(_integer(item, "fence"), _integer(item, "seq")) for item in _list(message, "sequences")]


def refusal(message: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Read a refusal: code, message, whether it is fatal."""
    return str(message.get("code")), str(message.get("message")), message.get("fatal") is True


def leases(message: Mapping[str, Any]) -> list[Lease]:
    """Read leases."""
    return [_lease(item) for item in _list(message, "leases")]


def parameters_digest(params: Mapping[str, Any]) -> str:
    """Return SHA-256 over the parameters as they were decoded; it shows that no reader lost a digit."""
    lines = [f"{_quoted(name)}={_canonical(params[name])}\n" for name in sorted(params, key=_utf8)]
    return hashlib.sha256(_utf8("".join(lines))).hexdigest()


def _lease(item: Mapping[str, Any]) -> Lease:
    params = item.get("params")
    if not isinstance(params, dict):
        raise WireError("a lease needs its parameters")
    objective = item.get("objective") or {}
    resume, limit = item.get("resume"), item.get("time_limit_ms")
    return Lease(
        fence=_integer(item, "fence"),
        sweep=_integer(item, "sweep"),
        sweep_name=_string(item, "sweep_name"),
        trial=_integer(item, "trial"),
        attempt=_integer(item, "attempt"),
        params=params,
        params_digest=_string(item, "params_digest"),
        computed_digest=parameters_digest(params),
        seed=_integer(item, "seed"),
        metric=_string(objective, "metric"),
        goal=_string(objective, "goal"),
        max_step=None if item.get("max_step") is None else _integer(item, "max_step"),
        attempt_directory=str(item.get("attempt_directory") or ""),
        resume=None if resume is None else _checkpoint(resume),
        time_limit=None if limit is None else _integer(item, "time_limit_ms") / 1000,
    )


def _checkpoint(item: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(
        _integer(item, "step"), _string(item, "location"), str(item.get("digest") or ""), _integer(item, "bytes")
    )


def _desired(message: Mapping[str, Any]) -> list[Desired]:
    result = []
    for item in _list(message, "desired"):
        state = _string(item, "state")
        if state not in ("run", "stop", "abandon"):
            raise WireError(f"unknown desired state {state!r}")
        result.append(Desired(_integer(item, "fence"), state, str(item.get("reason") or ""), _integer(item, "acked")))
    return result


def _exact(integer: int) -> int | str:
    """Many readers have doubles only: integers beyond 2^53 travel as decimal strings."""
    return integer if integer <= LARGEST_STEP else str(integer)


def _held(held: Iterable[tuple[int, int, int]]) -> list[dict[str, Any]]:
    return [{"fence": _exact(fence), "last_seq": last, "acked": acked} for fence, last, acked in held]


def _list(message: Mapping[str, Any], name: str) -> list[Any]:
    value = message.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise WireError(f"{name} must be a list of objects")
    return value


def _integer(message: Mapping[str, Any], name: str) -> int:
    """Read an integer; those beyond 2^53 travel as decimal strings."""
    value = message.get(name)
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise WireError(f"{name} must be a whole number, not {value!r}")
    return value


def _string(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise WireError(f"{name} must be a string, not {value!r}")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _canonical(value: Any) -> str:
    if isinstance(value, str):
        return f"s:{_quoted(value)}"
    if isinstance(value, bool):
        return "b:true" if value else "b:false"
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return f"i:{value}"
    if isinstance(value, (int, float)):
        return f"f:{struct.pack('>d', value).hex()}"
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    return f"{{{','.join(f'{_quoted(name)}:{_canonical(value[name])}' for name in sorted(value, key=_utf8))}}}"
