# SPDX-License-Identifier: MIT
"""The vectors that a worker in any language is tested against: `Workers/Conformance`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sweepd import _wire as wire
from sweepd._session import Offered, Refused, Session

FOLDER = Path(__file__).resolve().parents[2] / "Conformance"
FACTS = wire.Introduction(
    boot="0123456789abcdef0123456789abcdef", agent="sweepd 1.0", host="node-1", process_id=4711, slots=4, prefetch=0
)


def vectors(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def named(name: str) -> dict[str, Any]:
    return {vector["name"]: vector["text"] for vector in vectors(name)}


COORDINATOR, WORKER = named("coordinator-messages.json"), named("worker-messages.json")


def decoded(text: str) -> dict[str, Any]:
    return wire.decode([wire.MAGIC, text.encode()])


def opened() -> Session:
    session = Session(FACTS)
    session.connect(0.0)
    session.messages(0.0)
    session.receive(decoded(COORDINATOR["welcome"]), 0.0)
    return session


@pytest.mark.parametrize("vector", vectors("digests.json"), ids=lambda vector: vector["name"])
def test_digests(vector):
    assert wire.parameters_digest(vector["params"]) == vector["digest"]


@pytest.mark.parametrize("text", COORDINATOR.values(), ids=COORDINATOR)
def test_what_the_coordinator_says_is_understood(text):
    session = opened()
    for change in session.receive(decoded(text), 1.0):
        if isinstance(change, Offered):
            assert change.lease.computed_digest == change.lease.params_digest


def test_leases_are_read_as_they_are_meant():
    first, second = wire.leases(decoded(COORDINATOR["leases"]))
    assert (first.fence, first.trial, first.attempt, first.max_step, first.time_limit) == (7, 0, 2, 20, 1.5)
    assert first.seed == 2**64 - 1
    assert first.resume == wire.Checkpoint(4, "/home/me/ck/4", "", 0)
    assert type(first.params["whole"]) is float and type(first.params["layers"]) is int
    assert first.fallbacks == [
        wire.Checkpoint(3, "/home/me/ck/3", "0a" * 32, 12),
        wire.Checkpoint(1, "s3://bucket/ck/1", "", 0),
    ]
    assert first.checkpoint_directory == "/shared/digits/0/a7"
    assert (second.max_step, second.resume, second.time_limit, second.params) == (None, None, None, {})
    # Also what the release before sends.
    assert (second.fallbacks, second.checkpoint_directory) == ([], "")


def test_errors_are_read_as_they_are_meant():
    session = opened()
    assert session.receive(decoded(COORDINATOR["fatal error"]), 1.0) == [Refused("version", "another release", True)]
    (refused,) = session.receive(decoded(COORDINATOR["error"]), 1.0)
    assert (refused.code, refused.fatal) == ("unknown_type", False)


@pytest.mark.parametrize(
    "text", [vector["text"] for vector in vectors("malformed.json") if vector["from"] == "coordinator"]
)
def test_what_is_malformed_is_refused(text):
    with pytest.raises(wire.WireError):
        message = decoded(text)
        # A welcome is understood before there is a session, everything else within one.
        session = opened()
        session.receive({**message, "s": decoded(COORDINATOR["beat"])["s"]}, 1.0)


def test_messages_have_the_members_that_the_vectors_have():
    session, epoch = decoded(WORKER["bye"])["s"], decoded(WORKER["bye"])["e"]
    digest, held = decoded(WORKER["accept"])["digest"], [(7, 12, 10)]
    said = {
        "beat": wire.beat(session, epoch, held),
        "beat without leases": wire.beat(session, epoch, []),
        "accept": wire.accept(session, epoch, 7, digest),
        "decline": wire.decline(session, epoch, 7, "parameters changed in transit"),
        "bye": wire.bye(session, epoch, "Ctrl-C"),
        "events": wire.events(session, epoch, list(events())),
    }
    hellos = [name for name in WORKER if name.startswith("hello")]
    assert {*said, *hellos} == set(WORKER)
    for name in hellos:
        # Version 1 has no word for the last of these; a worker of version 2 says them all.
        offer = {"labels": [], "tasks": {}, "commands": True, "function": True}
        hello = {**offer, **json.loads(WORKER[name]), "versions": list(wire.VERSIONS)}
        facts = wire.Introduction(
            *(hello[member] for member in ("boot", "agent", "host", "pid", "slots", "prefetch", *offer))
        )
        running = [(item["fence"], item["last_seq"], item["acked"]) for item in hello["running"]]
        assert json.loads(wire.hello(facts, running)) == hello
    for name, text in said.items():
        expected = json.loads(WORKER[name])
        assert json.loads(text) == expected, name


def events() -> list[str]:
    """Make the events of the vector again, from what they say."""
    texts = []
    for event in json.loads(WORKER["events"])["events"]:
        kind = event["kind"]
        if kind == "started":
            body = wire.started(event.get("resumed_from"))
        elif kind == "report":
            body = wire.report(int(event["step"]), {name: float(value) for name, value in event["metrics"].items()})
        elif kind == "checkpoint":
            body = wire.checkpoint(event["step"], event["location"], event["digest"], int(event["bytes"]))
        elif kind == "warning":
            body = wire.warning(event["text"])
        elif kind == "finished":
            body = wire.finished(event["outcome"], event["resources"])
        else:
            failure = event["failure"]
            body = wire.failed(
                failure["cause"], failure["message"], failure["tail"], event["resources"], failure.get("exit_code")
            )
        texts.append(wire.event(event["fence"], event["seq"], body))
    return texts


def test_values_are_written_as_the_vectors_write_them():
    """Floats keep a fraction or an exponent, and minus zero its sign: text is compared, since 1 == 1.0."""
    (report,) = [text for text in events() if '"tiny"' in text]
    for part in ('"NaN"', '"Infinity"', '"-Infinity"', "5e-324", "-0.0", "1e+300"):
        assert part in report and part in WORKER["events"].replace('\\"', '"')
    assert '"accuracy":1.0' in "".join(events())


@pytest.mark.parametrize(
    "text",
    [
        '{"t":"ack","s":"x","e":1,"sequences":[],"sequences":[]}',
        '{"t":"ack","s":"\\ud800","e":1,"sequences":[]}',
        '{"t":"ack","s":"x","sequences":[]}',
        '{"t":"ack","e":1,"sequences":[]}',
        '{"t":"ack","s":"x","e":"--1","sequences":[]}',
        '{"t":"ack","s":"x","e":"٣","sequences":[]}',
        '{"t":"ack","s":"x","e":9223372036854775808,"sequences":[]}',
        '{"t":"ack","s":"x","e":1,"sequences":[],"x":' + 16 * "[" + 16 * "]" + "}",
        '{"t":"ack","s":"x","e":1,"sequences":[],"x":"' + (1 << 20) * "x" + '"}',
    ],
    ids=["twice", "half a pair", "no epoch", "no session", "signs", "digits", "too large", "too deep", "too long"],
)
def test_frames_are_refused(text):
    with pytest.raises(wire.WireError):
        decoded(text)


def test_a_byte_order_mark_and_other_encodings_are_refused():
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        with pytest.raises(wire.WireError):
            wire.decode([wire.MAGIC, COORDINATOR["beat"].encode(encoding)])
    text = '{"t":"ack","s":"\\ud83d\\ude00","e":"1","sequences":[],"x":' + 15 * "[" + 15 * "]" + "}"
    assert decoded(text)["s"] == "😀"
