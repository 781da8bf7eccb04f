# SPDX-License-Identifier: MIT
"""What `run_worker.py` has a worker go through. Each scenario tells of rules, by the section of `Docs/protocol.md`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from kit_stage import EPOCH, Message, Missed, Stage, exact, integer

# For what has to be done soon, on a machine that has other things to do.
SOON = 5.0
_LARGE = (1 << 53) + 1


class Verdict(NamedTuple):
    """Whether a rule was kept, and what was seen if not."""

    section: str
    rule: str
    is_kept: bool
    seen: str = ""


class Scene:
    """A stage, and the verdicts so far."""

    def __init__(self, stage: Stage, is_slow: bool) -> None:
        """Begin without any."""
        self.stage, self.is_slow = stage, is_slow
        self.verdicts: list[Verdict] = []

    def check(self, section: str, rule: str, is_kept: Any, seen: Any = "") -> None:
        """Tell of a rule."""
        self.verdicts.append(Verdict(section, rule, bool(is_kept), "" if is_kept else str(seen)))

    def need(self, section: str, rule: str, action: Callable[[], Any]) -> Any:
        """Tell of a rule that is kept when something comes; without it the scenario ends."""
        try:
            result = action()
        except Missed as error:
            self.check(section, rule, False, error)
            raise
        self.check(section, rule, True)
        return result


_scenarios: dict[str, Callable[[Scene], None]] = {}
ONLY_TCP = {"a key that is refused"}


def scenarios(is_tcp: bool) -> dict[str, Callable[[Scene], None]]:
    """Return all scenarios by name."""
    return {name: play for name, play in _scenarios.items() if is_tcp or name not in ONLY_TCP}


def _scenario(name: str) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    def add(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
        _scenarios[name] = play
        return play

    return add


@_scenario("greeting")
def _greeting(scene: Scene) -> None:
    stage = scene.stage
    stage.welcomes_again = False
    first = scene.need("6.1", "it says hello on a new connection", lambda: stage.hear("hello"))
    scene.check("6.1", "nothing comes before the hello", len(stage.log) == 1 and not stage.malformed, stage.log[:1])
    scene.check("1", "it sets no routing id of its own", len(first.peer) == 5 and first.peer[0] == 0, first.peer)
    body = first.body
    scene.check("2", "a hello has no session and no epoch", (body["s"], body["e"]) == ("", 0), body)
    scene.check(
        "3.1", "boot is 32 lower-case hexadecimal digits", re.fullmatch("[0-9a-f]{32}", str(body["boot"])), body
    )
    versions = body["versions"]
    scene.check(
        "9", "versions are the lowest and the highest", versions[0] <= 2 <= versions[1] or versions[0] == 1, body
    )
    scene.check("3.1", "it names its slots, at least 1", isinstance(body["slots"], int) and body["slots"] >= 1, body)
    scene.check("3.1", "it holds nothing yet", body["running"] == [], body)
    second = scene.need("6.1", "hello is repeated until a welcome comes", lambda: stage.hear("hello", 12.0))
    third = scene.need("6.1", "and again", lambda: stage.hear("hello", 24.0))
    waits = second.at - first.at, third.at - second.at
    # Tries that found no connection yet may have counted; and either side may be a little late.
    scene.check("8", "after 1 s, ±20 %", 0.1 <= waits[0] <= 10, waits)
    if third.peer == second.peer:
        scene.check("8", "then after twice that", 1.2 <= waits[1] <= 22, waits)
    boots = {message.body["boot"] for message in stage.log}
    scene.check("3.1", "boot stays the same", len(boots) == 1, boots)
    scene.check("6.1", "nothing else is said before", {entry.body["t"] for entry in stage.log} == {"hello"})
    stage.welcome(third)
    beats = [scene.need("6.6", f"beat {n}", lambda: stage.hear("beat")) for n in (1, 2, 3)]
    apart = [later.at - earlier.at for earlier, later in zip(beats, beats[1:])]
    scene.check("6.6", "a beat comes every heartbeat_ms", all(0.1 <= gap <= 0.9 for gap in apart), apart)
    named = {(message.body["s"], message.body["e"]) for message in beats}
    scene.check("6.2", "messages carry session and epoch", named == {(stage.session, EPOCH)}, named)


@_scenario("a trial")
def _trial(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    lease = stage.lease(3)
    stage.offer(lease)
    accept = scene.need("7", "a lease is accepted", lambda: stage.hear("accept", fence=3))
    scene.check("4", "with the digest of its parameters", accept.body["digest"] == lease["params_digest"], accept.body)
    scene.need("5", "events come up to the last", lambda: stage.until(lambda: stage.is_over(3), 30, "the end"))
    events = stage.events[3]
    kinds = [event["kind"] for event in events]
    scene.check(
        "5", "numbered 1, 2, 3, …", [event["seq"] for event in events] == list(range(1, len(events) + 1)), events
    )
    scene.check("3.1", "the first is 'started', without a checkpoint", kinds[0] == "started", kinds)
    scene.check("3.1", "it does not claim to go on from a checkpoint", events[0].get("resumed_from") is None, events[0])
    reports = [event for event in events if event["kind"] == "report"]
    values = [value for event in reports for value in event["metrics"].values()]
    scene.check("3.1", "there are reports", len(reports) >= 2, kinds)
    scene.check("2", "floats have a fraction or an exponent", all(isinstance(value, float) for value in values), values)
    scene.check("3.1", "it completed", events[-1].get("outcome") == "completed", events[-1])
    stage.listen(0.8)
    beat = stage.hear("beat")
    scene.check("5", "when all is acknowledged the lease is forgotten", beat.body["leases"] == [], beat.body)
    count = len(stage.log)
    stage.offer(lease)
    stage.listen(1.5)
    after = [entry.body for entry in stage.log[count:] if entry.body["t"] in ("events", "accept")]
    scene.check(
        "5", "a late copy of the lease starts nothing", not after and len(stage.events[3]) == len(events), after
    )


@_scenario("a digest that differs")
def _digest(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, params_digest="0" * 64))
    scene.need("7", "changed parameters are declined", lambda: stage.hear("decline", SOON, fence=3))
    stage.offer(stage.lease(3, params_digest="0" * 64))
    scene.need("7", "each time: the answer may have been lost", lambda: stage.hear("decline", SOON, fence=3))
    stage.listen(0.5)
    scene.check("7", "and not run", 3 not in stage.events, stage.events.get(3))
    stage.offer(stage.lease(4))
    scene.need("7", "the next lease is accepted", lambda: stage.hear("accept", SOON, fence=4))


@_scenario("copies of a lease")
def _copies(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    lease = stage.lease(3, seconds=1.0)
    for number in ("first", "second", "third"):
        stage.offer(lease)
        scene.need("7", f"the {number} copy is accepted", lambda: stage.hear("accept", SOON, fence=3))
    stage.until(lambda: stage.is_over(3), 30, "the end")
    kinds = [event["kind"] for event in stage.events[3]]
    scene.check("7", "and run once", kinds.count("started") == 1 and kinds[-1] == "finished", kinds)


def _sent(messages: list[Message], fence: int) -> list[int]:
    return [
        event["seq"]
        for message in messages
        if message.body["t"] == "events"
        for event in message.body["events"]
        if integer(event["fence"]) == fence
    ]


@_scenario("without acknowledgements")
def _resend(scene: Scene) -> None:
    stage = scene.stage
    stage.acks = False
    stage.welcome()
    stage.offer(stage.lease(3, seconds=0.4))
    stage.until(lambda: stage.is_over(3), 30, "the end")
    total = len(stage.events[3])
    stage.listen(0.3)
    stage.say_sequences("nack", 3, 2)
    sent = _sent(stage.listen(1.5), 3)
    scene.check("5", "a nack makes it go back to that event", sent[:1] == [2] and sent[-1:] == [total], sent)
    stage.say_sequences("ack", 3, 1)
    stage.durable[3] = 1
    began = time.monotonic()
    sent = []
    while not sent and time.monotonic() - began < 8:
        sent = _sent(stage.listen(0.2), 3)
    waited = time.monotonic() - began
    scene.check("5", "what is not acknowledged is sent again", sent[:1] == [2], sent)
    scene.check("8", "after 5 s, ±20 %, without progress", 3.7 <= waited <= 7, waited)
    beat = stage.hear("beat", SOON)
    told = [(integer(lease["fence"]), lease["last_seq"], lease["acked"]) for lease in beat.body["leases"]]
    scene.check("3.1", "beats tell the last event and the last acknowledged", told == [(3, total, 1)], told)
    stage.say_sequences("ack", 3, total)
    stage.listen(0.8)
    beat = stage.hear("beat", SOON)
    scene.check("5", "an ack is cumulative", beat.body["leases"] == [], beat.body)


@_scenario("a window of two")
def _window(scene: Scene) -> None:
    stage = scene.stage
    stage.acks = False
    stage.welcome(window=2)
    stage.offer(stage.lease(3, seconds=0.8))
    most, acked = 0, 0
    for _ in range(6):
        sent = _sent(stage.listen(0.4), 3)
        most = max([most, *(number - acked for number in sent)])
        acked = len(stage.events.get(3, []))
        if acked:
            stage.durable[3] = acked
            stage.say_sequences("ack", 3, acked)
    scene.check("5", "no more than `window` events are unacknowledged at once", 1 <= most <= 2, most)
    scene.check("5", "acknowledgements let the next ones come", acked >= 6, acked)


@_scenario("resync")
def _resync(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=4))
    stage.until(lambda: len(stage.events.get(3, [])) >= 3, 30, "events")
    stage.welcomes_again = False
    stage.listen(1.2)
    stage.say("resync", s="")
    stage.session = ""
    second = scene.need("6.4", "a resync is answered with a hello", lambda: stage.hear("hello", 1.0))
    running = {integer(item["fence"]): item for item in second.body["running"]}
    scene.check("3.1", "which names every lease that is held", list(running) == [3], second.body)
    held = running.get(3, {"last_seq": 0, "acked": 0})
    scene.check("3.1", "with what is acknowledged", held["last_seq"] >= held["acked"] >= 3, held)
    stage.durable[3] = len(stage.events[3])
    stage.welcome(second)
    stage.say("resync", s="")
    third = stage.hear("hello", 2.5)
    scene.check("6.4", "but not within a second of the last", third.at - second.at >= 0.8, third.at - second.at)
    before = len(stage.events[3])
    stage.welcome(third)
    stage.welcomes_again = True
    stage.until(lambda: len(stage.events[3]) > before, SOON, "events in the new session")
    scene.check("6.2", "the trial goes on in the new session", True)
    fields = {entry.body["s"] for entry in stage.log if entry.at > third.at + 0.5 and entry.body["t"] != "hello"}
    scene.check("6.2", "under its name", fields <= {stage.session}, fields)
    stage.until(lambda: stage.is_over(3), 30, "the end")
    kinds = [event["kind"] for event in stage.events[3]]
    scene.check("6", "and is not begun again", kinds.count("started") == 1, kinds)


@_scenario("messages of another session")
def _stranger(scene: Scene) -> None:
    stage = scene.stage
    stage.acks = False
    stage.welcome()
    stage.offer(stage.lease(3, seconds=30))
    stage.until(lambda: len(stage.events.get(3, [])) >= 2, 30, "events")
    verdict = {"fence": 3, "state": "abandon", "reason": "stranger", "acked": 2}
    stage.say("beat", s="stranger", desired=[verdict], drain=True)
    stage.say_sequences("ack", 3, 2, s="stranger")
    stage.say("resync", s="stranger")
    stage.say("leases", s="stranger", leases=[stage.lease(9, trial=9)])
    stage.listen(0.5)
    beat = scene.need("6.3", "a resync of another session is ignored", lambda: stage.hear("beat", SOON))
    held = [(integer(lease["fence"]), lease["acked"]) for lease in beat.body["leases"]]
    scene.check("6.3", "so are acks, verdicts and leases", held == [(3, 0)], held)
    scene.check("6.3", "and it goes on in its own", beat.body["s"] == stage.session, beat.body)


@_scenario("stop")
def _stop(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=60))
    stage.until(lambda: len(stage.events.get(3, [])) >= 2, 30, "events")
    stage.desired[3] = ("stop", "rung 1")
    scene.need("3.2", "a stop ends the trial", lambda: stage.until(lambda: stage.is_over(3), 20, "its end"))
    last = stage.events[3][-1]
    scene.check("3.2", "and it is told as stopped", last.get("outcome") == "stopped", last)


@_scenario("abandon")
def _abandon(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=60))
    stage.until(lambda: len(stage.events.get(3, [])) >= 2, 30, "events")
    stage.desired[3] = ("abandon", "superseded")
    scene.need("7", "an abandoned lease is given up", lambda: _released(stage, 3))
    stage.listen(0.3)
    heard = stage.listen(1.5)
    scene.check("7", "and nothing more is said of it", not _sent(heard, 3), _sent(heard, 3))
    stage.offer(stage.lease(3, seconds=60))
    heard = stage.listen(1.0)
    begun = [entry.body for entry in heard if entry.body["t"] in ("accept", "events")]
    scene.check("5", "a late copy of its lease starts nothing", not begun, begun)


def _released(stage: Stage, *fences: int) -> Message:
    """Wait for a beat that does not name the leases."""
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        beat = stage.hear("beat", SOON)
        if not {integer(lease["fence"]) for lease in beat.body["leases"]} & set(fences):
            return beat
    raise Missed(f"beats go on to name the leases {fences}")


@_scenario("the highest fence")
def _fences(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(5, trial=1, seconds=60))
    stage.until(lambda: len(stage.events.get(5, [])) >= 2, 30, "events")
    stage.offer(stage.lease(7, trial=1, attempt=2, seconds=60))
    scene.need("7", "a higher fence for its trial is accepted", lambda: stage.hear("accept", SOON, fence=7))
    scene.need("7", "and the lower one given up", lambda: _released(stage, 5))
    stage.listen(0.3)
    heard = stage.listen(1.0)
    scene.check("7", "without another word of it", not _sent(heard, 5), _sent(heard, 5))
    stage.offer(stage.lease(6, trial=1, seconds=60))
    scene.need("7", "a lower fence is declined", lambda: stage.hear("decline", SOON, fence=6))
    stage.desired[7] = ("abandon", "enough")
    stage.listen(0.5)


@_scenario("a restored backup")
def _backup(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=60))
    stage.until(lambda: len(stage.events.get(3, [])) >= 4, 30, "events")
    stage.welcomes_again = False
    stage.listen(1.2)
    stage.say("resync", s="")
    hello = stage.hear("hello", 2.0)
    stage.epoch, stage.durable[3] = EPOCH + 1, 1
    stage.events[3] = stage.events[3][:1]
    stage.welcome(hello)
    stage.welcomes_again = True
    scene.need("6.5", "another epoch that lost acknowledged events loses the attempt", lambda: _released(stage, 3))
    stage.listen(0.3)
    scene.check("6.5", "nothing more is said of it", not _sent(stage.listen(1.0), 3))
    stage.offer(stage.lease(4, trial=4))
    scene.need("6.5", "the worker goes on with others", lambda: stage.hear("accept", SOON, fence=4))


@_scenario("what is no message")
def _robustness(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.hear("beat")
    magic, beat = b"sweepd/1", b'{"t":"beat","s":"%b","e":7,"desired":[],"drain":%b}'
    session = stage.session.encode()
    drains = beat % (session, b"true")
    for frames in (
        (),
        (magic,),
        (magic, drains, b""),
        (b"sweepd/9", drains),
        (magic, b""),
        (magic, b"\xff" + drains),
        (magic, drains[:-1]),
        (magic, drains[:-1] + b',"drain":true}'),
        (magic, drains[:-1] + b',"x":' + b"[" * 20 + b"]" * 20 + b"}"),
        (magic, drains[:-1] + b',"x":' + b"[" * 100_000),
        (magic, drains[:-1] + b',"x":NaN}'),
        (magic, b'{"t":"beat","s":"%b","e":7,"drain":true}' % session),
        (magic, b'{"t":"beat","s":"%b","e":"seven","desired":[],"drain":true}' % session),
        (
            magic,
            b'{"t":"beat","s":"%b","e":7,"desired":[{"fence":1,"state":"dance","acked":0}],"drain":true}' % session,
        ),
        (magic, b'{"t":"leases","s":"%b","e":7,"leases":[{"fence":9}]}' % session),
        (magic, b'{"t":"gossip","s":"%b","e":7}' % session),
        (magic, b"[" * 200_000),
    ):
        if frames:
            stage.send(*frames)
    stage.listen(0.5)
    scene.need("2", "malformed messages do no harm", lambda: stage.hear("beat", SOON))
    stage.say("beat", desired=[{"fence": 99, "state": "run", "acked": 0, "colour": [1]}], drain=False, more={"a": None})
    stage.offer(stage.lease(3, mood={"a": [1]}, max_step=None))
    scene.need("2", "and none of them had an effect", lambda: stage.hear("accept", SOON, fence=3))
    scene.check("2", "unknown members are ignored", True)


@_scenario("a coordinator that falls silent")
def _silence(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=4))
    stage.until(lambda: len(stage.events.get(3, [])) >= 2, 30, "events")
    stage.welcomes_again = False
    first, stage.acks, stage.beats = stage.peer, False, False
    began = time.monotonic()
    while True:
        hello = scene.need(
            "6.7", "after three silent heartbeats it says hello again", lambda: stage.hear("hello", SOON)
        )
        if hello.peer != first or time.monotonic() - began > SOON:
            break
    waited = hello.at - began
    scene.check("6.7", "on another connection", hello.peer != first)
    scene.check("8", "three heartbeats, and not much more", 0.7 <= waited <= 3, waited)
    stage.acks = stage.beats = True
    before = stage.durable[3] = len(stage.events[3])
    stage.welcome(hello)
    stage.welcomes_again = True
    stage.until(lambda: stage.is_over(3), 30, "the end")
    numbers = [event["seq"] for event in stage.events[3]]
    scene.check("5", "no event is lost", numbers == list(range(1, len(numbers) + 1)) and len(numbers) > before, numbers)


@_scenario("a coordinator that is started anew")
def _restart(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=3))
    stage.until(lambda: len(stage.events.get(3, [])) >= 3, 30, "events")
    stage.welcomes_again = False
    stage.restart(1.0)
    hello = scene.need("6.1", "it comes back by itself", lambda: stage.hear("hello", 20))
    scene.check(
        "6.7", "and names what it holds", [integer(held["fence"]) for held in hello.body["running"]] == [3], hello
    )
    stage.durable[3] = len(stage.events[3])
    stage.welcome(hello)
    stage.welcomes_again = True
    stage.until(lambda: stage.is_over(3), 30, "the end")
    events = stage.events[3]
    scene.check("5", "no event is lost", [event["seq"] for event in events] == list(range(1, len(events) + 1)), events)
    kinds = [event["kind"] for event in events]
    scene.check("6.7", "the trial went on meanwhile", kinds.count("started") == 1, kinds)
    strangers = [
        entry.body for entry in stage.log if entry.at >= hello.at and entry.body["s"] not in ("", stage.session)
    ]
    scene.check("6.2", "nothing of the session before is sent to the new one", not strangers, strangers[:1])


@_scenario("a fatal error")
def _fatal(scene: Scene) -> None:
    stage = scene.stage
    hello = stage.hear("hello")
    stage.peer = hello.peer
    stage.say("error", s="", code="version", message="another release is wanted", fatal=True)
    stage.listen(0.3)
    heard = stage.listen(62 if scene.is_slow else 4)
    early = [message.body["t"] for message in heard if message.at - hello.at < 58]
    scene.check("6.8", "after a fatal error it is silent for a minute, or ends", not early, early)


@_scenario("a code of a later version")
def _unknown_code(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.say("error", code="asleep", message="not now", fatal=False)
    stage.offer(stage.lease(3))
    scene.need("9", "an unknown code is an error like any other", lambda: stage.hear("accept", SOON, fence=3))


@_scenario("draining")
def _drain(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    stage.offer(stage.lease(3, seconds=1.5))
    stage.until(lambda: len(stage.events.get(3, [])) >= 2, 30, "events")
    stage.drain = True
    stage.listen(0.8)
    stage.offer(stage.lease(4, trial=4))
    stage.until(lambda: stage.is_over(3), 30, "the end")
    scene.check("3.2", "what runs goes on", stage.events[3][-1].get("outcome") == "completed", stage.events[3][-1])
    stage.listen(1.0)
    # It may also tell that it failed, for infrastructure.
    begun = [event for event in stage.events.get(4, []) if event["kind"] == "started"]
    scene.check("3.2", "nothing new is begun", not begun, begun)


@_scenario("SIGTERM")
def _sigterm(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    # It may stop the trial, or let it finish.
    stage.offer(stage.lease(3, seconds=6))
    stage.until(lambda: len(stage.events.get(3, [])) >= 2, 30, "events")
    stage.terminate()
    scene.need("6.9", "a worker that ends says bye", lambda: stage.hear("bye", 40))
    scene.check("6.9", "and ends", stage.has_ended(15))


@_scenario("a coordinator of version 1")
def _version_one(scene: Scene) -> None:
    stage = scene.stage
    hello = stage.hear("hello")
    if hello.body["versions"][0] > 1:
        return
    stage.welcome(hello, version=1)
    stage.offer(stage.lease(3))
    stage.until(lambda: stage.is_over(3), 30, "the end")
    scene.check("9", "a worker that speaks version 1 works with it", True)


@_scenario("a version that it does not speak")
def _version_three(scene: Scene) -> None:
    stage = scene.stage
    stage.welcomes_again = False
    stage.welcome(version=1000)
    stage.listen(0.3)
    early = [message.body["t"] for message in stage.listen(3)]
    scene.check("9", "a welcome of another version is refused", not early, early)


@_scenario("tasks")
def _tasks(scene: Scene) -> None:
    stage = scene.stage
    hello = stage.hear("hello")
    if hello.body["versions"][1] < 2:
        return
    stage.welcome(hello)
    stage.offer(stage.lease(3, task="no-such-task", command=None, working_directory=None))
    scene.need("7", "a task that it does not have is declined", lambda: stage.hear("decline", SOON, fence=3))


@_scenario("large integers")
def _integers(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    params = {"lr": 1.0, "layers": _LARGE, "most": (1 << 63) - 1, "seconds": 0.2}
    stage.offer(stage.lease(_LARGE, params=params))
    until = time.monotonic() + SOON
    answer = None
    while answer is None and time.monotonic() < until:
        answer = next((entry.body for entry in stage.listen(0.2) if entry.body["t"] in ("accept", "decline")), None)
    scene.check(
        "2", "a fence beyond 2^53 is read and written as a string", (answer or {}).get("fence") == exact(_LARGE), answer
    )
    if answer and answer["t"] == "accept":
        stage.until(lambda: stage.is_over(_LARGE), 30, "the end")
        scene.check("5", "in events as well", True)
    scene.check("7", "a reader that loses digits declines", answer is not None, answer)


@_scenario("a checkpoint that is not there")
def _checkpoint(scene: Scene) -> None:
    stage = scene.stage
    stage.welcome()
    gone = {"step": 9, "location": str(stage.folder / "gone"), "digest": "0" * 64, "bytes": 1}
    stage.offer(stage.lease(3, resume=gone, fallbacks=[{**gone, "step": 4}]))
    stage.until(lambda: stage.is_over(3), 30, "the end")
    events = stage.events[3]
    started = next(event for event in events if event["kind"] == "started")
    scene.check(
        "7", "without a whole checkpoint it starts from the beginning", started.get("resumed_from") is None, started
    )
    scene.check("7", "and tells of it in a warning", any(event["kind"] == "warning" for event in events), events[:3])


@_scenario("a key that is refused")
def _revoked(scene: Scene) -> None:
    stage = scene.stage
    gate = stage._gate
    assert gate
    stage.welcome()
    stage.hear("beat")
    gate.allowed.discard(stage.public)
    before = gate.asked.count(stage.public)
    stage.restart(0.1)
    stage.listen(6)
    tries = gate.asked.count(stage.public) - before
    scene.check("1", "a key that is refused is not tried in a tight loop", tries <= 12, tries)
    scene.check("1", "and nothing gets through", not [entry for entry in stage.log if entry.at > time.monotonic() - 5])
