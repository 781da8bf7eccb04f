# SPDX-License-Identifier: MIT
"""Protocol versions 1 and 2: messages to JSON text and back. Names and meanings are those of `Docs/protocol.md`.

Events are encoded once, when they happen, and joined into messages as text: a resend costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ._location import PATH_BYTES, local_path
from ._metrics import LARGEST_STEP, encoded

MAGIC = b"sweepd/1"
# The lowest and the highest that this program speaks.
VERSIONS = (1, 2)
FRAME_BYTES = 1 << 20
EVENTS_PER_MESSAGE = 100
TAIL_BYTES = 8 << 10
REASON_BYTES = 1000
WARNING_CHARACTERS = 500
FALLBACKS = 8
NESTING = 16
# Of a label or a task.
NAME_BYTES = 64
MOST_LABELS = 32
LARGEST_INTEGER = 2**63 - 1

_text = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_quoted = json.JSONEncoder(ensure_ascii=False).encode
_label = re.compile(r"[0-9A-Za-z_.=:][0-9A-Za-z_.=:-]{0,63}").fullmatch
_decimal = re.compile(r"-?[0-9]{1,20}").fullmatch


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
    # Of version 2: words by which a sweep can ask for this worker; its own tasks, name to digest; whether it runs the
    # commands that leases carry; whether it brings a function, to which a command is of no account.
    labels: tuple[str, ...] = ()
    tasks: Mapping[str, str] = MappingProxyType({})
    commands: bool = True
    function: bool = True


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

    version: int
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
    # Older ones, newest first, in case that one is damaged.
    fallbacks: list[Checkpoint]
    # Where this attempt's checkpoints belong, a path or a URI; empty: in the attempt's directory.
    checkpoint_directory: str
    # The worker's own task that says what is run; empty: none.
    task: str
    has_command: bool


# What the worker says.


def hello(facts: Introduction, held: Iterable[tuple[int, int, int]]) -> str:
    """Introduce the worker, with all that it holds."""
    return _text(
        {
            "t": "hello",
            "s": "",
            "e": 0,
            "versions": list(VERSIONS),
            "boot": facts.boot,
            "agent": facts.agent,
            "host": facts.host,
            "pid": facts.process_id,
            "slots": facts.slots,
            "prefetch": facts.prefetch,
            "running": _held(held),
            "labels": list(facts.labels),
            "tasks": dict(facts.tasks),
            "commands": facts.commands,
            "function": facts.function,
        }
    )


def beat(session: str, epoch: int, held: Iterable[tuple[int, int, int]]) -> str:
    """Say that the worker lives, and what it holds."""
    return _text({"t": "beat", "s": session, "e": _exact(epoch), "leases": _held(held)})


def accept(session: str, epoch: int, fence: int, digest: str) -> str:
    """Take a lease."""
    return _text({"t": "accept", "s": session, "e": _exact(epoch), "fence": _exact(fence), "digest": digest})


def decline(session: str, epoch: int, fence: int, reason: str) -> str:
    """Hand a lease back."""
    why = beginning(reason)
    return _text({"t": "decline", "s": session, "e": _exact(epoch), "fence": _exact(fence), "reason": why})


def bye(session: str, epoch: int, reason: str) -> str:
    """Leave."""
    return _text({"t": "bye", "s": session, "e": _exact(epoch), "reason": beginning(reason)})


def events(session: str, epoch: int, texts: Sequence[str]) -> str:
    """Put encoded events into one message."""
    return f'{{"t":"events","s":{_text(session)},"e":{_number(epoch)},"events":[{",".join(texts)}]}}'


def event(fence: int, sequence: int, body: str) -> str:
    """Number an event; `body` is one of the texts below."""
    return f'{{"fence":{_number(fence)},"seq":{sequence},{body}}}'


def started(resumed_from: int | None) -> str:
    """Training starts."""
    if resumed_from is None:
        return '"kind":"started"'
    return f'"kind":"started","resumed_from":{_number(resumed_from)}'


def report(step: int, metrics: Mapping[str, float]) -> str:
    """Metrics at a step."""
    values = _text({name: encoded(value) for name, value in metrics.items()})
    return f'"kind":"report","step":{_number(step)},"metrics":{values}'


def checkpoint(step: int, location: str, digest: str, size: int) -> str:
    """A checkpoint is complete."""
    place = f'"location":{_text(location)},"digest":"{digest}"'
    return f'"kind":"checkpoint","step":{_number(step)},{place},"bytes":{_number(size)}'


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


def is_label(text: Any) -> bool:
    """Return whether it can be a worker's label: a word that can stand in a command line."""
    return isinstance(text, str) and _label(text) is not None


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
    frame = frames[1]
    if len(frame) > FRAME_BYTES:
        raise WireError(f"the second frame has {len(frame)} bytes; {FRAME_BYTES} are the most")
    try:
        message = json.loads(frame.decode(), parse_constant=_no_constant, object_pairs_hook=_members)
        if b"\\ud" in frame or b"\\uD" in frame:
            # Half a pair is no character; our own encoder says so.
            _quoted(message).encode()
    except (ValueError, RecursionError) as error:
        raise WireError(f"no JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("t"), str):
        raise WireError("a message is an object with a type")
    if frame.count(b"{") + frame.count(b"[") > NESTING and not _is_flat(message, NESTING):
        raise WireError(f"more than {NESTING} levels of nesting")
    _string(message, "s")
    _integer(message, "e", 0)
    return message


def welcome(message: Mapping[str, Any]) -> Welcome:
    """Read a welcome."""
    return Welcome(
        version=_integer(message, "version"),
        session=_string(message, "s"),
        epoch=_integer(message, "e", 0),
        database=_optional_string(message, "database"),
        window=_integer(message, "window", 1),
        heartbeat=_integer(message, "heartbeat_ms", 1) / 1000,
        desired=_desired(message),
    )


def beat_desired(message: Mapping[str, Any]) -> tuple[list[Desired], bool]:
    """Read a beat: what is wanted of each lease, and whether to drain."""
    return _desired(message), _flag(message, "drain")


def sequences(message: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Read an ack or a nack: fences and sequence numbers."""
    return [(_integer(item, "fence", 0), _integer(item, "seq", 0)) for item in _list(message, "sequences")]


def refusal(message: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Read a refusal: code, message, whether it is fatal. A code that is not known is as good as any."""
    return _string(message, "code"), _string(message, "message"), _flag(message, "fatal")


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
    objective = item.get("objective")
    if not isinstance(objective, dict):
        raise WireError("a lease needs its objective")
    resume, limit = item.get("resume"), item.get("time_limit_ms")
    return Lease(
        fence=_integer(item, "fence", 0),
        sweep=_integer(item, "sweep", 0),
        sweep_name=_string(item, "sweep_name"),
        trial=_integer(item, "trial", 0),
        attempt=_integer(item, "attempt", 0),
        params=params,
        params_digest=_string(item, "params_digest"),
        computed_digest=parameters_digest(params),
        seed=_integer(item, "seed", 0, 2**64 - 1),
        metric=_string(objective, "metric"),
        goal=_string(objective, "goal"),
        max_step=None if item.get("max_step") is None else _integer(item, "max_step"),
        attempt_directory=_optional_string(item, "attempt_directory"),
        resume=None if resume is None else _checkpoint(resume),
        time_limit=None if limit is None else _integer(item, "time_limit_ms", 0) / 1000,
        fallbacks=[] if item.get("fallbacks") is None else _fallbacks(item),
        checkpoint_directory=(
            _location(item, "checkpoint_directory") if _optional_string(item, "checkpoint_directory") else ""
        ),
        task=_task(item),
        has_command=bool(item.get("command")),
    )


def _task(item: Mapping[str, Any]) -> str:
    name = _optional_string(item, "task")
    if len(name.encode()) > NAME_BYTES:
        raise WireError(f"task must have at most {NAME_BYTES} bytes")
    return name


def _fallbacks(item: Mapping[str, Any]) -> list[Checkpoint]:
    checkpoints = _list(item, "fallbacks")
    if len(checkpoints) > FALLBACKS:
        raise WireError(f"fallbacks must have at most {FALLBACKS} elements")
    return [_checkpoint(checkpoint) for checkpoint in checkpoints]


def _checkpoint(item: Any) -> Checkpoint:
    if not isinstance(item, dict):
        raise WireError("a checkpoint must be an object")
    return Checkpoint(
        step=_integer(item, "step"),
        location=_location(item, "location"),
        digest=_optional_string(item, "digest"),
        bytes=_integer(item, "bytes", 0),
    )


def _desired(message: Mapping[str, Any]) -> list[Desired]:
    result = []
    for item in _list(message, "desired"):
        state = _string(item, "state")
        if state not in ("run", "stop", "abandon"):
            raise WireError(f"unknown desired state {state!r}")
        reason = _optional_string(item, "reason")
        result.append(Desired(_integer(item, "fence", 0), state, reason, _integer(item, "acked", 0)))
    return result


def _exact(integer: int) -> int | str:
    """Many readers have doubles only: integers beyond 2^53 travel as decimal strings."""
    return integer if -LARGEST_STEP <= integer <= LARGEST_STEP else str(integer)


def _number(integer: int) -> str:
    """The same as JSON text."""
    return str(integer) if -LARGEST_STEP <= integer <= LARGEST_STEP else f'"{integer}"'


def _held(held: Iterable[tuple[int, int, int]]) -> list[dict[str, Any]]:
    return [{"fence": _exact(fence), "last_seq": last, "acked": acked} for fence, last, acked in held]


def _list(message: Mapping[str, Any], name: str) -> list[Any]:
    value = message.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise WireError(f"{name} must be a list of objects")
    return value


def _integer(
    message: Mapping[str, Any], name: str, least: int = -LARGEST_INTEGER - 1, most: int = LARGEST_INTEGER
) -> int:
    """Read an integer; those beyond 2^53 travel as decimal strings."""
    value = message.get(name)
    if isinstance(value, str) and _decimal(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise WireError(f"{name} must be a whole number, not {value!r}")
    if not least <= value <= most:
        raise WireError(f"{name} must be from {least} to {most}, not {value}")
    return value


def _string(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise WireError(f"{name} must be a string, not {value!r}")
    return value


def _location(message: Mapping[str, Any], name: str) -> str:
    place = _string(message, name)
    if len(place.encode()) > PATH_BYTES:
        raise WireError(f"{name} must have at most {PATH_BYTES} bytes")
    try:
        local_path(place)
    except ValueError as error:
        raise WireError(f"{name} {error}") from None
    return place


def _optional_string(message: Mapping[str, Any], name: str) -> str:
    return "" if message.get(name) is None else _string(message, name)


def _flag(message: Mapping[str, Any], name: str) -> bool:
    value = message.get(name)
    if value is not None and not isinstance(value, bool):
        raise WireError(f"{name} must be true or false, not {value!r}")
    return value is True


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name appears twice in an object")
    return members


def _is_flat(value: Any, levels: int) -> bool:
    """Return whether the value has no more levels of lists and objects."""
    if isinstance(value, dict):
        return levels > 0 and all(_is_flat(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_is_flat(item, levels - 1) for item in value)
    return True


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
