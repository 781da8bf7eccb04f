# SPDX-License-Identifier: MIT
"""The worker's side of the session, as a state machine: no sockets, no clock, no threads.

Events of an attempt are numbered 1, 2, 3, … under its fence and kept until they are acknowledged. Whatever is lost on
the way (a message, a connection, a coordinator) is healed by saying hello again and going back to the last
acknowledged event. Times are seconds on a clock that never jumps, handed in by the caller.

A mirror of `Sources/WorkerProtocol/Session`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from . import _wire as wire
from ._wire import Lease

# A resync asks for no hello sooner after the last than the first of these.
FIRST_RETRY, LAST_RETRY = 1.0, 32.0
FIRST_RESEND, LAST_RESEND = 5.0, 30.0
# Silence after a fatal refusal.
REFUSAL_PAUSE = 60.0
# Without a welcome nobody has told us the heartbeat.
DEFAULT_HEARTBEAT = 5.0
# Heartbeats without a word before the connection is taken for dead.
PATIENCE = 3
# Events of one message; far below the frame limit whatever the events hold.
BATCH_BYTES = 1 << 19
# Unacknowledged events at which a trial has to wait: a coordinator that is away costs memory, not results.
BACKLOG_EVENTS, BACKLOG_BYTES = 20_000, 64 << 20
REMEMBERED_FENCES = 4096


class Offered(NamedTuple):
    """A lease to accept or decline."""

    lease: Lease


class StopAsked(NamedTuple):
    """The attempt is to end, with a last checkpoint."""

    fence: int
    reason: str


class Abandoned(NamedTuple):
    """The attempt is another's now, or cancelled; nothing more is to be said of it."""

    fence: int
    reason: str


class Drain(NamedTuple):
    """No new trials; what runs may end."""


class Refused(NamedTuple):
    """The coordinator will not have it."""

    code: str
    message: str
    fatal: bool


class Held:
    """A lease that was accepted, and its events that are not acknowledged yet."""

    __slots__ = (
        "abandoned",
        "acknowledged",
        "bytes",
        "digest",
        "events",
        "fence",
        "gap",
        "last",
        "over",
        "sent",
        "stop_reason",
        "trial",
    )

    def __init__(self, lease: Lease) -> None:
        """Begin without events."""
        self.fence = lease.fence
        self.digest = lease.computed_digest
        self.trial = (lease.sweep, lease.trial)
        self.events: deque[str] = deque()
        self.last = self.acknowledged = self.sent = self.bytes = 0
        self.over = False
        # The gap that was filled last: each event behind it may draw a nack.
        self.gap = 0
        self.stop_reason: str | None = None
        self.abandoned = False


class Session:
    """What this worker holds, what it has said, and what it has yet to say."""

    def __init__(
        self,
        introduction: wire.Introduction,
        jitter: Callable[[], float] = lambda: 1.0,
        most_in_flight: int | None = None,
    ) -> None:
        """Make a session that has not said hello yet.

        `jitter` scales the waits between tries; `most_in_flight` is a window of our own, below the coordinator's.
        """
        self._introduction = introduction
        self._most_in_flight = most_in_flight
        self._jitter = jitter
        self.leases: dict[int, Held] = {}
        self.is_open = False
        # Whether it ever was.
        self.was_open = False
        # Grows whenever what was handed out by `messages` is void: it belongs to a session that is over.
        self.greetings = 0
        self.draining = False
        self.window = 1
        self.heartbeat = DEFAULT_HEARTBEAT
        self.in_flight = 0
        self.unacknowledged = 0
        self.unacknowledged_bytes = 0
        self._session, self._epoch, self._database = "", 0, ""
        self._answers: list[str] = []
        self._unsent: dict[int, Held] = {}
        self._closed: dict[int, None] = {}
        self._retry = FIRST_RETRY
        self._resend = FIRST_RESEND
        self._greeted_at: float | None = None
        self._hello_at = 0.0
        self._beat_at = 0.0
        self._resend_at = 0.0
        self._heard_at = 0.0
        self._refused_until: float | None = None

    # What the trial does.

    def record(self, fence: int, body: str, over: bool = False) -> bool:
        """Number an event and keep it until it is acknowledged; False where the attempt is no longer ours."""
        held = self.leases.get(fence)
        if held is None or held.over:
            return False
        held.last += 1
        text = wire.event(fence, held.last, body)
        held.events.append(text)
        held.bytes += len(text)
        held.over = over
        self.unacknowledged += 1
        self.unacknowledged_bytes += len(text)
        self._unsent[fence] = held
        return True

    @property
    def has_room(self) -> bool:
        """Whether another report may be made without waiting."""
        return self.unacknowledged < BACKLOG_EVENTS and self.unacknowledged_bytes < BACKLOG_BYTES

    @property
    def has_unsent(self) -> bool:
        """Whether events wait to be sent at all."""
        return bool(self._unsent)

    @property
    def wants_sending(self) -> bool:
        """Whether to send at once. While something is in flight its answer sends the rest: that makes batches."""
        return (
            self.is_open
            and bool(self._unsent)
            and (self.in_flight == 0 or self.unacknowledged - self.in_flight >= wire.EVENTS_PER_MESSAGE)
        )

    def accept(self, lease: Lease) -> Held:
        """Take a lease."""
        held = self.leases[lease.fence] = Held(lease)
        self._accept(held)
        return held

    def decline(self, fence: int, reason: str) -> None:
        """Hand a lease back that has not begun."""
        self._forget(fence)
        # Should this answer be lost, the lease is offered again and has to be declined again.
        self._closed.pop(fence, None)
        self._answers.append(wire.decline(self._session, self._epoch, fence, reason))

    def bye(self, reason: str) -> str:
        """Say that the worker leaves."""
        return wire.bye(self._session, self._epoch, reason)

    # What the coordinator says.

    def connect(self, now: float) -> None:
        """Begin anew on a new connection."""
        self._fall_silent()
        self._hello_at = now if self._refused_until is None else max(now, self._refused_until)
        self._heard_at = now

    def is_silent(self, now: float) -> bool:
        """Whether nothing was heard for so long that the connection is to be made anew."""
        return self._refused_until is None and now - self._heard_at >= PATIENCE * self.heartbeat

    def silence(self, now: float) -> float:
        """Return the seconds since anything was heard, or since the connection was made."""
        return now - self._heard_at

    def receive(self, message: dict[str, Any], now: float) -> list[Any]:
        """Take in one message of the coordinator; return what has to be done about it, in order."""
        kind = message.get("t")
        self._heard_at = now
        if kind == "resync":
            # Several messages may each be answered so; the first answer is enough.
            if self.is_open and message.get("s") in ("", self._session):
                self._fall_silent()
                # It may be about the session before. Were it always answered at once, two hellos could chase each
                # other for ever: each makes the other's session unknown.
                self._hello_at = max(now, now if self._greeted_at is None else self._greeted_at + FIRST_RETRY)
            return []
        if kind == "error":
            return [self._refuse(Refused(*wire.refusal(message)), now)]
        if kind == "welcome":
            if self._refused_until is not None:
                return []
            return self._welcome(wire.welcome(message), now)
        if not self.is_open or message.get("s") != self._session:
            return []
        if kind == "ack":
            for fence, sequence in wire.sequences(message):
                self._acknowledge(fence, sequence, now)
        elif kind == "nack":
            for fence, sequence in wire.sequences(message):
                self._go_back(fence, sequence)
        elif kind == "leases":
            return list(self._offers(wire.leases(message)))
        elif kind == "beat":
            desired, drain = wire.beat_desired(message)
            changes = self._desire(desired, now)
            if drain and not self.draining:
                self.draining = True
                changes.append(Drain())
            return changes
        return []

    # What is to be sent.

    def messages(self, now: float) -> list[str]:
        """Return the messages that are due, and take them for sent."""
        if not self.is_open:
            if now < self._hello_at:
                return []
            if self._refused_until is not None:
                self._refused_until, self._heard_at = None, now
            self._greeted_at = now
            self._hello_at = now + self._retry * self._jitter()
            self._retry = min(LAST_RETRY, 2 * self._retry)
            return [wire.hello(self._introduction, self._held())]
        due, self._answers = self._answers, []
        if self.in_flight and now >= self._resend_at:
            self._rewind()
        while self._unsent and self.in_flight < self.window:
            if self.in_flight == 0:
                self._await_progress(now)
            due.append(wire.events(self._session, self._epoch, self._batch()))
        if now >= self._beat_at:
            self._beat_at = now + self.heartbeat
            due.append(wire.beat(self._session, self._epoch, self._held()))
        return due

    def wakes_at(self) -> float:
        """Return when something is due next if nothing happens before."""
        silent_at = self._heard_at + PATIENCE * self.heartbeat
        if self._refused_until is not None:
            return self._hello_at
        if not self.is_open:
            return min(self._hello_at, silent_at)
        due = min(self._beat_at, silent_at)
        return min(due, self._resend_at) if self.in_flight else due

    # Within.

    def _welcome(self, welcome: wire.Welcome, now: float) -> list[Any]:
        lowest, highest = wire.VERSIONS
        if not lowest <= welcome.version <= highest:
            text = (
                f"the coordinator answers in protocol version {welcome.version}, this worker speaks {lowest} to "
                f"{highest}: install the same release of both"
            )
            return [self._refuse(Refused("version", text, True), now)]
        self.is_open = self.was_open = True
        # Within one run of a coordinator what is durable stays durable.
        is_another_run = (welcome.epoch, welcome.database) != (self._epoch, self._database)
        self._session, self._epoch, self._database = welcome.session, welcome.epoch, welcome.database
        self.window, self.heartbeat = min(welcome.window, self._most_in_flight or welcome.window), welcome.heartbeat
        self.greetings += 1
        self._answers.clear()
        self._rewind()
        self._retry, self._resend = FIRST_RETRY, FIRST_RESEND
        self._beat_at = now + self.heartbeat
        changes = self._desire(welcome.desired, now, is_another_run)
        for held in self.leases.values():
            # Its accept may have been lost with the connection; a second one does no harm.
            if held.acknowledged == 0:
                self._accept(held)
        return changes

    def _refuse(self, refused: Refused, now: float) -> Refused:
        if refused.fatal:
            self._fall_silent()
            self._hello_at = self._refused_until = now + REFUSAL_PAUSE
        return refused

    def _accept(self, held: Held) -> None:
        self._answers.append(wire.accept(self._session, self._epoch, held.fence, held.digest))

    def _offers(self, offered: Iterable[Lease]) -> Iterable[Offered | Abandoned]:
        # Until the caller has accepted it a lease is not held: one that stands in a message twice would begin twice.
        for lease in {lease.fence: lease for lease in offered}.values():
            if lease.fence in self.leases:
                self._accept(self.leases[lease.fence])
            elif lease.fence not in self._closed:
                # The highest fence owns the trial: an older attempt of it that is still here is over.
                rivals = [held for held in self.leases.values() if held.trial == (lease.sweep, lease.trial)]
                if any(held.fence > lease.fence for held in rivals):
                    self.decline(lease.fence, "superseded")
                    continue
                if (reason := self._unfit(lease)) is not None:
                    self.decline(lease.fence, reason)
                    continue
                if lease.params_digest != lease.computed_digest:
                    self.decline(lease.fence, "the parameters do not have the digest that came with them")
                    continue
                yield from (self._abandon(held, f"superseded by attempt {lease.fence}") for held in rivals)
                yield Offered(lease)

    def _unfit(self, lease: Lease) -> str | None:
        """Return why this worker cannot run the lease: it runs nothing but what it offered."""
        offer = self._introduction
        if lease.task:
            return None if lease.task in offer.tasks else f"this worker has no task '{lease.task}'"
        if not lease.has_command or offer.commands or offer.function:
            return None
        return "this worker runs no commands but its own tasks"

    def _abandon(self, held: Held, reason: str) -> Abandoned:
        held.abandoned = True
        self._forget(held.fence)
        return Abandoned(held.fence, reason)

    def _desire(self, desired: Iterable[wire.Desired], now: float, is_another_run: bool = False) -> list[Any]:
        changes: list[Any] = []
        for fence, state, reason, acknowledged in desired:
            held = self.leases.get(fence)
            if held is None:
                continue
            if is_another_run and acknowledged < held.acknowledged:
                # It forgot what it had acknowledged (a restored backup): nothing can close that gap.
                state, reason = "abandon", "the coordinator has lost events that it had acknowledged"
            if state == "abandon":
                changes.append(self._abandon(held, reason))
                continue
            self._acknowledge(fence, acknowledged, now)
            if state == "stop" and held.stop_reason is None and not held.over:
                held.stop_reason = reason or "stopped"
                changes.append(StopAsked(fence, held.stop_reason))
        return changes

    def _acknowledge(self, fence: int, sequence: int, now: float) -> None:
        held = self.leases.get(fence)
        if held is None or sequence <= held.acknowledged:
            return
        sequence = min(sequence, held.last)
        for _ in range(sequence - held.acknowledged):
            size = len(held.events.popleft())
            held.bytes -= size
            self.unacknowledged_bytes -= size
            self.unacknowledged -= 1
        self.in_flight -= max(0, min(held.sent, sequence) - held.acknowledged)
        held.acknowledged = sequence
        held.sent = max(held.sent, sequence)
        held.gap = 0
        self._resend = FIRST_RESEND
        if self.in_flight:
            self._await_progress(now)
        if held.sent == held.last:
            self._unsent.pop(fence, None)
            if held.over and held.acknowledged == held.last:
                self._forget(fence)

    def _go_back(self, fence: int, sequence: int) -> None:
        held = self.leases.get(fence)
        if held is None or not held.acknowledged < sequence <= held.sent or sequence == held.gap:
            return
        held.gap = sequence
        self.in_flight -= held.sent - (sequence - 1)
        held.sent = sequence - 1
        self._unsent[fence] = held

    def _await_progress(self, now: float) -> None:
        self._resend_at = now + self._resend * self._jitter()
        self._resend = min(LAST_RESEND, 2 * self._resend)

    def _fall_silent(self) -> None:
        """Say nothing but hello until the next welcome."""
        self.is_open = False
        self.greetings += 1
        self._answers.clear()
        self._rewind()
        self._retry = FIRST_RETRY

    def _rewind(self) -> None:
        self.in_flight = 0
        for held in self.leases.values():
            held.sent = held.acknowledged
            held.gap = 0
            if held.sent < held.last:
                self._unsent[held.fence] = held

    def _batch(self) -> list[str]:
        batch: list[str] = []
        size = 0
        for held in list(self._unsent.values()):
            while held.sent < held.last:
                full = len(batch) == wire.EVENTS_PER_MESSAGE or self.in_flight >= self.window
                text = held.events[held.sent - held.acknowledged]
                if full or (batch and size + len(text) > BATCH_BYTES):
                    return batch
                batch.append(text)
                size += len(text)
                held.sent += 1
                self.in_flight += 1
            del self._unsent[held.fence]
        return batch

    def _held(self) -> list[tuple[int, int, int]]:
        return [(held.fence, held.last, held.acknowledged) for held in self.leases.values()]

    def _forget(self, fence: int) -> Held | None:
        held = self.leases.pop(fence, None)
        if held is None:
            return None
        self._unsent.pop(fence, None)
        self.in_flight -= held.sent - held.acknowledged
        self.unacknowledged -= len(held.events)
        self.unacknowledged_bytes -= held.bytes
        self._closed[fence] = None
        if len(self._closed) > REMEMBERED_FENCES:
            del self._closed[next(iter(self._closed))]
        return held
