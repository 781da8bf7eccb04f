# SPDX-License-Identifier: MIT
"""The session without sockets: what is said, when, and what survives what is lost."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sweepd import _session as states
from sweepd import _wire as wire
from sweepd._session import Session

FACTS = wire.Introduction(boot="0" * 32, agent="python/test", host="here", process_id=1, slots=1, prefetch=2)
PARAMS = {"lr": 0.1}


def incoming(kind: str, **fields: Any) -> dict[str, Any]:
    return {"t": kind, "s": "s1", "e": 1, **fields}


def welcome(session: str = "s1", window: int = 256, desired: tuple = ()) -> dict[str, Any]:
    message = incoming("welcome", version=1, database="d", window=window, heartbeat_ms=1000, desired=list(desired))
    return {**message, "s": session}


def desired(fence: int, state: str = "run", acked: int = 0) -> dict[str, Any]:
    return {"fence": fence, "state": state, "reason": "", "acked": acked}


def offer(*fences: int) -> dict[str, Any]:
    lease = {
        "sweep": 1, "sweep_name": "n", "trial": 0, "attempt": 1, "params": PARAMS, "seed": 1,
        "params_digest": wire.parameters_digest(PARAMS), "objective": {"metric": "loss", "goal": "minimize"},
    }  # fmt: skip
    return incoming("leases", leases=[{**lease, "fence": fence, "trial": fence} for fence in fences])


def sequences(kind: str, **pairs: int) -> dict[str, Any]:
    return incoming(kind, sequences=[{"fence": int(fence[1:]), "seq": seq} for fence, seq in pairs.items()])


def said(session: Session, now: float) -> list[tuple[str, Any]]:
    """Return types, and for events their fences and numbers."""
    result = []
    for text in session.messages(now):
        message = json.loads(text)
        numbers = [(event["fence"], event["seq"]) for event in message.get("events", [])]
        result.append((message["t"], numbers))
    return result


def opened(window: int = 256, fences: tuple[int, ...] = (1,)) -> Session:
    session = Session(FACTS)
    session.connect(0.0)
    assert said(session, 0.0) == [("hello", [])]
    session.receive(welcome(window=window), 0.0)
    for change in session.receive(offer(*fences), 0.0):
        session.accept(change.lease)
    assert said(session, 0.0) == [("accept", [])] * len(fences)
    return session


def test_hello_is_repeated_more_and_more_slowly():
    session = Session(FACTS)
    session.connect(0.0)
    times = [tick / 10 for tick in range(1000) if session.messages(tick / 10)]
    assert times == [0, 1, 3, 7, 15, 31, 63, 95]


def test_events_are_numbered_and_kept_until_acknowledged():
    session = opened()
    for step in range(3):
        session.record(1, wire.report(step, {"loss": 1.0}))
    assert said(session, 0.0) == [("events", [(1, 1), (1, 2), (1, 3)])]
    assert said(session, 0.0) == []
    session.receive(sequences("ack", f1=2), 0.1)
    assert (session.in_flight, session.unacknowledged) == (1, 1)
    session.receive(sequences("ack", f1=1), 0.1)
    assert session.unacknowledged == 1
    session.receive(sequences("ack", f1=3), 0.1)
    assert (session.in_flight, session.unacknowledged, session.unacknowledged_bytes) == (0, 0, 0)
    assert list(session.leases) == [1]


def test_the_lease_is_held_until_its_end_is_acknowledged():
    session = opened()
    session.record(1, wire.finished("completed", {}), over=True)
    assert not session.record(1, wire.warning("too late"))
    said(session, 0.0)
    assert list(session.leases) == [1]
    session.receive(sequences("ack", f1=1), 0.0)
    assert session.leases == {}
    # A late repetition of the offer is not run a second time.
    assert session.receive(offer(1), 0.0) == []


def test_window():
    session = opened(window=5)
    for _ in range(12):
        session.record(1, wire.started(None))
    assert said(session, 0.0) == [("events", [(1, n) for n in range(1, 6)])]
    session.receive(sequences("ack", f1=3), 0.0)
    assert said(session, 0.0) == [("events", [(1, 6), (1, 7), (1, 8)])]


def test_batches():
    session = opened(window=1000)
    for _ in range(250):
        session.record(1, wire.started(None))
    assert [len(numbers) for _, numbers in said(session, 0.0)] == [100, 100, 50]
    session = opened()
    for _ in range(3):
        session.record(1, wire.warning("x") + ',"more":"' + "y" * 300_000 + '"')
    assert [len(numbers) for _, numbers in said(session, 0.0)] == [1, 1, 1]


def test_sending_waits_for_the_answer_to_what_is_in_flight():
    session = opened()
    session.record(1, wire.started(None))
    assert session.wants_sending
    said(session, 0.0)
    session.record(1, wire.started(None))
    assert not session.wants_sending


def test_a_nack_goes_back():
    session = opened(fences=(1, 2))
    for fence in (1, 2, 1):
        session.record(fence, wire.started(None))
    said(session, 0.0)
    session.receive(sequences("nack", f1=1), 0.0)
    assert session.in_flight == 1
    assert said(session, 0.0) == [("events", [(1, 1), (1, 2)])]
    # Nonsense neither goes below what is acknowledged nor beyond what was sent.
    session.receive(sequences("ack", f1=2), 0.0)
    session.receive(sequences("nack", f1=0, f2=99, f3=1), 0.0)
    assert said(session, 0.0) == []
    assert session.in_flight == 1


def test_a_gap_is_filled_once_though_every_event_behind_it_draws_a_nack():
    session = opened()
    for _ in range(4):
        session.record(1, wire.started(None))
    said(session, 0.0)
    for _ in range(3):
        session.receive(sequences("nack", f1=2), 0.0)
        said_now = said(session, 0.0)
        assert said_now in ([("events", [(1, 2), (1, 3), (1, 4)])], [])
    assert said_now == []
    # Lost again: the wait for an acknowledgement heals it, and the next nack counts anew.
    assert ("events", [(1, 1), (1, 2), (1, 3), (1, 4)]) in said(session, 6.0)
    session.receive(sequences("nack", f1=2), 6.0)
    assert said(session, 6.0) == [("events", [(1, 2), (1, 3), (1, 4)])]


def test_a_window_of_our_own_is_never_above_the_coordinators():
    for ours, theirs, expected in ((3, 256, 3), (9, 5, 5), (None, 5, 5)):
        session = Session(FACTS, most_in_flight=ours)
        session.connect(0.0)
        session.receive(welcome(window=theirs), 0.0)
        assert session.window == expected


def test_without_an_answer_events_are_sent_again_more_and_more_slowly():
    session = opened()
    session.record(1, wire.started(None))
    assert ("events", [(1, 1)]) in said(session, 0.0)
    times = []
    for tick in range(1, 800):
        session.receive(incoming("beat", desired=[], drain=False), tick / 10)
        if ("events", [(1, 1)]) in said(session, tick / 10):
            times.append(tick / 10)
    assert times == [5, 15, 35, 65]


def test_a_new_session_resends_what_the_coordinator_does_not_have():
    session = opened()
    for _ in range(4):
        session.record(1, wire.started(None))
    said(session, 0.0)
    assert session.receive({"t": "resync", "s": "", "e": 2}, 1.0) == []
    session.receive({"t": "resync", "s": "", "e": 2}, 1.0)
    text = session.messages(1.0)
    assert [json.loads(t)["t"] for t in text] == ["hello"]
    assert json.loads(text[0])["running"] == [{"fence": 1, "last_seq": 4, "acked": 0}]
    # A resync within a second of the hello, to a message that was on its way, asks for no second hello.
    session.receive({"t": "resync", "s": "", "e": 2}, 1.0)
    assert said(session, 1.0) == []
    session.receive(welcome("s2", desired=(desired(1, acked=2),)), 1.0)
    assert said(session, 1.0) == [("events", [(1, 3), (1, 4)])]
    # Mail of the old session is no longer ours.
    session.receive(sequences("ack", f1=4), 1.0)
    assert session.unacknowledged == 2


def test_two_hellos_do_not_chase_each_other():
    """Welcomes of both are under way; the resync for what was said in the first session is older than the second."""
    session = opened()
    session.connect(10.0)
    assert said(session, 10.0) == [("hello", [])]
    session.receive(welcome("s2"), 10.1)
    session.receive({"t": "resync", "s": "", "e": 1}, 10.2)
    assert not session.is_open
    assert said(session, 10.9) == []
    assert session.wakes_at() == 11.0
    # The welcome to the hello before is as good as another one.
    session.receive(welcome("s3"), 10.95)
    assert session.is_open
    session.receive({"t": "resync", "s": "", "e": 1}, 12.0)
    assert said(session, 12.0) == [("hello", [])]


def test_a_resync_of_a_stranger_is_ignored():
    session = opened()
    session.receive({"t": "resync", "s": "another", "e": 1}, 5.0)
    assert session.is_open


def test_a_welcome_in_another_version_is_fatal():
    session = Session(FACTS)
    session.connect(0.0)
    (refused,) = session.receive({**welcome(), "version": 3}, 0.0)
    assert (refused.code, refused.fatal, session.is_open) == ("version", True, False)
    # Silence for a minute, then another try.
    assert session.receive(welcome(), 1.0) == []
    assert (session.is_silent(59.0), said(session, 59.9), session.wakes_at()) == (False, [], 60.0)
    session.connect(59.9)
    assert said(session, 59.95) == []
    assert said(session, 60.0) == [("hello", [])]
    session.receive(welcome(), 60.0)
    assert session.is_open


def test_a_code_of_a_later_version_is_as_good_as_any():
    session = opened()
    error = incoming("error", code="asleep", message="not now", fatal=False)
    assert session.receive(error, 0.0) == [states.Refused("asleep", "not now", False)]
    assert session.is_open


def test_a_digest_that_differs_is_declined_and_ends_no_other_attempt():
    session = opened()
    lease = {**offer(2)["leases"][0], "trial": 1, "params_digest": "0" * 64}
    assert session.receive(incoming("leases", leases=[lease]), 0.0) == []
    assert said(session, 0.0) == [("decline", [])]
    assert list(session.leases) == [1]


def test_an_unanswered_accept_is_repeated_after_a_new_welcome():
    session = opened()
    session.connect(1.0)
    said(session, 1.0)
    session.receive(welcome("s2", desired=(desired(1),)), 1.0)
    assert said(session, 1.0) == [("accept", [])]


def test_an_offer_that_comes_again_is_accepted_again_but_not_run_again():
    session = opened()
    assert session.receive(offer(1), 0.0) == []
    assert said(session, 0.0) == [("accept", [])]


def test_a_lease_that_stands_in_a_message_twice_is_offered_once():
    session = Session(FACTS)
    session.connect(0.0)
    session.messages(0.0)
    session.receive(welcome(), 0.0)
    assert [change.lease.fence for change in session.receive(offer(4, 5, 4), 0.0)] == [4, 5]


def test_the_highest_fence_owns_the_trial():
    session = opened(fences=(5,))
    (held,) = session.leases.values()
    older, newer = offer(4), offer(6)
    for message in (older, newer):
        message["leases"][0]["trial"] = held.trial[1]
    assert session.receive(older, 0.0) == []
    assert said(session, 0.0) == [("decline", [])]
    abandoned, offered = session.receive(newer, 0.0)
    assert (abandoned.fence, offered.lease.fence) == (5, 6)
    assert held.abandoned
    assert session.leases == {}


def test_desired_states():
    session = opened(fences=(1, 2, 3))
    for fence in (1, 2, 3):
        session.record(fence, wire.started(None))
    said(session, 0.0)
    message = incoming("beat", drain=True, desired=[desired(1, "stop"), desired(2, "abandon"), desired(3, acked=1)])
    changes = session.receive(message, 0.0)
    assert [type(change) for change in changes] == [states.StopAsked, states.Abandoned, states.Drain]
    assert not session.record(2, wire.started(None))
    assert session.record(1, wire.finished("stopped", {}), over=True)
    assert (session.in_flight, session.unacknowledged) == (1, 2)
    # Level-triggered: said again, it is no news.
    assert session.receive(message, 0.0) == []


def test_a_coordinator_that_lost_what_it_acknowledged_loses_the_attempt():
    session = opened()
    session.record(1, wire.started(None))
    said(session, 0.0)
    session.receive(sequences("ack", f1=1), 0.0)
    # An answer that was overtaken on its way is no reason.
    assert session.receive(incoming("beat", desired=[desired(1, acked=0)], drain=False), 0.0) == []
    changes = session.receive({**welcome("s2", desired=(desired(1, acked=0),)), "e": 2}, 0.0)
    assert isinstance(changes[0], states.Abandoned)
    assert session.leases == {}


def test_beats_and_silence():
    session = opened()
    assert said(session, 0.9) == []
    assert said(session, 1.0) == [("beat", [])]
    assert session.wakes_at() == 2.0
    assert not session.is_silent(2.9)
    assert session.is_silent(3.0)


def test_a_backlog_makes_reports_wait():
    session = opened()
    for _ in range(states.BACKLOG_EVENTS):
        assert session.has_room
        session.record(1, wire.started(None))
    assert not session.has_room


@pytest.mark.parametrize(
    "message",
    [
        incoming("ack"),
        incoming("ack", sequences=[1]),
        incoming("ack", sequences=[{"fence": "x", "seq": 1}]),
        incoming("beat", desired=[{"fence": 1, "state": "dance", "acked": 1}]),
        incoming("leases", leases=[{"fence": 1}]),
        incoming("welcome", version=2),
        incoming("welcome", version=1, window=1.5),
    ],
)
def test_what_is_malformed_is_refused(message):
    with pytest.raises(wire.WireError):
        opened().receive(message, 0.0)


def test_what_is_unknown_is_ignored():
    session = opened()
    assert session.receive(incoming("gossip", text="x"), 0.0) == []
    assert session.receive(incoming("beat", desired=[], drain=False, more=1), 0.0) == []


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_lost_every_event_arrives_once_and_in_order(seed):
    """Random losses, repetitions, reconnections and resyncs; at the end the coordinator has everything."""
    chance = random.Random(seed)
    session = Session(FACTS, jitter=lambda: chance.uniform(0.8, 1.2))
    session.connect(0.0)
    kept: dict[int, list[int]] = {}
    known = ""
    welcomes = made = fence = 0
    now = 0.0
    to_worker: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> None:
        nonlocal known, welcomes
        if message["t"] == "hello":
            welcomes += 1
            known = f"s{welcomes}"
            verdicts = tuple(desired(item["fence"], acked=len(kept[item["fence"]])) for item in message["running"])
            to_worker.append(welcome(known, window=7, desired=verdicts))
            return
        if message["s"] != known:
            to_worker.append({"t": "resync", "s": "", "e": 1})
        elif message["t"] == "events":
            for event in message["events"]:
                have = kept[event["fence"]]
                if event["seq"] == len(have) + 1:
                    have.append(event["seq"])
                kind = "ack" if event["seq"] <= len(have) else "nack"
                number = len(have) + (kind == "nack")
                to_worker.append({**sequences(kind, **{f"f{event['fence']}": number}), "s": known})
        elif message["t"] == "beat":
            verdicts = [desired(item["fence"], acked=len(kept[item["fence"]])) for item in message["leases"]]
            to_worker.append({**incoming("beat", desired=verdicts, drain=False), "s": known})

    for turn in range(3000):
        now += 0.05
        calm = turn > 1000
        loss = 0.0 if calm else 0.2
        if not calm and chance.random() < 0.01:
            known = ""
        if session.is_silent(now) or (not calm and chance.random() < 0.01):
            session.connect(now)
        if fence < 3 and session.is_open and chance.random() < 0.2:
            fence += 1
            kept[fence] = []
            lease = wire.leases(offer(fence))[0]
            session.accept(lease)
        if (
            made < 60
            and fence
            and chance.random() < 0.5
            and session.record(chance.randint(1, fence), wire.started(None))
        ):
            made += 1
        for text in session.messages(now):
            assert len(json.loads(text).get("events", [])) <= 7
            for _ in range(chance.choice([1, 1, 2]) if chance.random() >= loss else 0):
                answer(json.loads(text))
        assert 0 <= session.in_flight <= 7
        arrived, to_worker = to_worker, []
        for message in arrived:
            if chance.random() >= loss:
                session.receive(message, now)
    assert made == 60, f"seed {seed}"
    assert sum(len(have) for have in kept.values()) == 60, f"seed {seed}"
    assert (session.in_flight, session.unacknowledged, session.unacknowledged_bytes) == (0, 0, 0), f"seed {seed}"
    assert session.wants_sending is False
