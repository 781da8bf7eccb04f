# SPDX-License-Identifier: MIT
"""Plays the dialogues of `Workers/Conformance/dialogues.json` with the session, on a clock that the dialogue sets.

`Workers/Conformance/README.md` lays down what the steps mean. The same is done to the native worker's session by
`Tests/WorkerProtocolTests/DialogueTests.swift`.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from sweepd import _session as states
from sweepd import _wire as wire
from sweepd._session import Session

BOOT = "0123456789abcdef0123456789abcdef"


class Player:
    """A session, what it said and what it asked its worker to do, each with the time in milliseconds."""

    def __init__(self, dialogue: dict[str, Any]) -> None:
        offer = dialogue.get("offer", {})
        facts = wire.Introduction(
            BOOT,
            "player",
            "here",
            1,
            slots=2,
            prefetch=0,
            labels=tuple(offer.get("labels", ())),
            tasks=offer.get("tasks", {}),
            commands=offer.get("commands", True),
            function=offer.get("function", True),
        )
        self.session = Session(facts)
        self.now = 0
        self.said: deque[tuple[int, dict[str, Any]]] = deque()
        self.asked: deque[tuple[int, dict[str, Any]]] = deque()
        # It has asked for another connection, and has none meanwhile.
        self.is_cut_off = True

    def play(self, steps: list[dict[str, Any]]) -> None:
        for number, step in enumerate(steps):
            try:
                self._step(step)
            except AssertionError as error:
                raise AssertionError(f"step {number}, {json.dumps(step)[:200]}: {error}") from error
        self._nothing_else()

    def _step(self, step: dict[str, Any]) -> None:
        at, until = step["at_ms"], step["at_ms"] + step.get("within_ms", 0)
        if "expects" in step:
            self._expect(step["expects"], at, until)
            return
        self._pass(at)
        if "asks" in step:
            assert self.asked, f"nothing was asked; said: {list(self.said)}"
            when, asked = self.asked.popleft()
            assert when == at and asked == {**asked, **step["asks"]} and step["asks"].keys() & asked.keys(), asked
            return
        self._nothing_else()
        if "connect" in step:
            self.is_cut_off = False
            self.session.connect(at / 1000)
        elif "receives" in step:
            message = wire.decode([wire.MAGIC, json.dumps(step["receives"]).encode()])
            for change in self.session.receive(message, at / 1000):
                self._ask(change)
        elif "event" in step:
            for _ in range(step.get("times", 1)):
                self._record(step["event"])
        elif "leaves" in step:
            if self.session.is_open:
                self.said.append((at, json.loads(self.session.bye(step["leaves"]))))
            self.is_cut_off = True
        else:
            self._pass(at + step["silence_ms"])
            assert not self.said, f"said {self.said[0]}"
            self._nothing_else()
        self._tick()

    def _expect(self, pattern: dict[str, Any], at: int, until: int) -> None:
        if pattern["t"] != "events":
            when, message = self._next(until, pattern["t"] == "beat")
            assert when >= at and matches(message, pattern), f"said {message} at {when}"
            return
        wanted = deque(pattern["events"])
        envelope = {name: value for name, value in pattern.items() if name != "events"}
        while wanted:
            when, message = self._next(until, False)
            assert when >= at and matches(message, envelope), f"said {message} at {when}"
            assert 1 <= len(message["events"]) <= min(100, len(wanted)), f"said {message}"
            for event in message["events"]:
                assert matches(event, wanted[0]), f"said {event} and not {wanted[0]}"
                wanted.popleft()

    def _next(self, until: int, wants_beats: bool) -> tuple[int, dict[str, Any]]:
        """Return what is said next by then; beats are nothing where none is expected."""
        while True:
            while self.said:
                when, message = self.said.popleft()
                if wants_beats or message["t"] != "beat":
                    return when, message
            assert self.now < until, f"nothing was said; asked: {list(self.asked)}"
            self._pass(until if self.is_cut_off else min(until, max(self.now, self._wakes_at())))

    def _wakes_at(self) -> int:
        return round(self.session.wakes_at() * 1000)

    def _pass(self, until: int) -> None:
        assert until >= self.now
        while not self.is_cut_off and self._wakes_at() <= until:
            self.now = max(self.now, self._wakes_at())
            before = self._wakes_at()
            self._tick()
            assert self.is_cut_off or self._wakes_at() > before, "it is due again at once"
        self.now = until
        self._tick()

    def _tick(self) -> None:
        if self.is_cut_off:
            return
        # Seconds are no whole numbers of anything: what is due at this millisecond is due.
        now, due = self.now / 1000, self.session.wakes_at()
        now = due if abs(due - now) < 1e-6 else now
        if self.session.is_silent(now):
            self.is_cut_off = True
            self.asked.append((self.now, {"reconnect": True}))
            return
        self.said.extend((self.now, json.loads(text)) for text in self.session.messages(now))

    def _nothing_else(self) -> None:
        rest = [entry for entry in self.said if entry[1]["t"] != "beat"]
        assert not rest and not self.asked, f"said {rest}, asked {list(self.asked)}"
        self.said.clear()

    def _ask(self, change: Any) -> None:
        if isinstance(change, states.Offered):
            self.session.accept(change.lease)
            asked = {"start": change.lease.fence}
        elif isinstance(change, states.StopAsked):
            asked = {"stop": change.fence, "reason": change.reason}
        elif isinstance(change, states.Abandoned):
            asked = {"abandon": change.fence}
        elif isinstance(change, states.Drain):
            asked = {"drain": True}
        else:
            asked = {"refused": True, "fatal": change.fatal}
        name = next(iter(asked))
        if name in ("start", "stop", "abandon"):
            asked[name] = wire._exact(asked[name])
        self.asked.append((self.now, asked))

    def _record(self, event: dict[str, Any]) -> None:
        members = {name: value for name, value in event.items() if name != "fence"}
        over = event["kind"] in ("finished", "failed")
        self.session.record(int(event["fence"]), json.dumps(members)[1:-1], over)


def matches(value: Any, pattern: Any) -> bool:
    """Return whether the value has all that the pattern has; lists have to have as many elements."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and matches(value[name], pattern[name]) for name in pattern
        )
    if isinstance(pattern, list):
        return (
            isinstance(value, list)
            and len(value) == len(pattern)
            and all(matches(part, wanted) for part, wanted in zip(value, pattern))
        )
    return type(value) is type(pattern) and value == pattern
