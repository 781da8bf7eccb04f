# SPDX-License-Identifier: MIT
"""The thread that owns a worker's socket: it carries the session's messages and hands leases to the trials."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import sys
import threading
import time
from typing import Protocol

import zmq

from . import _session as states
from . import _wire as wire
from ._curve import Handshakes, Keys, encrypt
from ._enrol import unreachable
from ._session import Held, Session
from ._wire import Lease

# After a signal, how long a running trial may go on before its lease is given back over its head.
_GRACE = 10.0
# How long a last event or a bye may take to leave where everything is to end at once.
_FAREWELL = 5.0
# How long a worker that was told to end by a signal waits for the acknowledgement of what it did: systemd kills after
# 90 s, and Slurm's signal comes two minutes before its time limit.
_LAST_WAIT = 60.0
# A wait that is as short as usual is not worth a word.
_SILENT_WAIT = 1.0
# Trials named in one warning.
_NAMED = 20
_LINGER_MS = 2000
# Even a start of training, which does not wake the thread by itself, is sent within this time.
_LONGEST_NAP = 0.1
# Acks are small; between two rounds the trials get their turn.
_RECEIVED_AT_ONCE = 256
# A coordinator at the other end of a network that is not heard for so long is worth a word to the user.
_UNHEARD = 30.0
# How long after a refused handshake the next is tried: doubled each time.
_FIRST_RETRY, _LAST_RETRY = 1.0, 32.0
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Return seconds on a clock that never jumps and, where there is one that does, counts suspend."""
    return time.clock_gettime(_CLOCK)


class Endpoint(Protocol):
    """Where the coordinator is."""

    # None: on this machine, where the file system says who may connect.
    keys: Keys | None

    def find(self) -> str:
        """Return its address, or raise where none was ever known."""

    def turn(self) -> None:
        """Take the next address, where there are several: the last one was silent."""

    def is_withdrawn(self) -> bool:
        """Return whether the coordinator took its address back: it ended in an orderly way."""


class WorkerRefused(RuntimeError):
    """The coordinator will not have this worker: another version, or what it says is not understood."""


class ResultsLost(RuntimeError):
    """The worker ended before the coordinator had acknowledged all of it: those trials run again."""


class Link(threading.Thread):
    """Owns the socket. Trials call `record`; leases come out of `offers`, and None when there will be no more."""

    def __init__(
        self,
        endpoint: Endpoint,
        introduction: wire.Introduction,
        idle_timeout: float | None,
        offline_timeout: float,
        window: int | None = None,
        offline_run: float = 1800.0,
    ) -> None:
        """Prepare; `start()` connects. The endpoint is asked again at every new connection."""
        super().__init__(name="sweepd", daemon=True)
        self.offers: queue.SimpleQueue[tuple[Lease, Held] | None] = queue.SimpleQueue()
        self.leaving: str | None = None
        self.interrupted_at: float | None = None
        self.failure: BaseException | None = None
        # What the coordinator had not acknowledged when the thread ended.
        self.lost: str | None = None
        self._endpoint = endpoint
        self._session = Session(introduction, lambda: random.uniform(0.8, 1.2), window)
        self._idle_timeout, self._offline_timeout, self._offline_run = idle_timeout, offline_timeout, offline_run
        self._runners = introduction.slots
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._awake = False
        self._wake_reader, self._wake_writer = os.pipe()
        for descriptor in (self._wake_reader, self._wake_writer):
            os.set_blocking(descriptor, False)
        self._ended = False
        # The last word, and since when it waits to be said.
        self._farewell: tuple[str, float] | None = None
        self._is_hurried = False
        self._is_through = threading.Event()
        self._has_told_wait = False
        self._idle_since = steady()
        self._online_at = steady()
        # When the silence was noticed; a suspended machine has not been trying to connect meanwhile.
        self._offline_since: float | None = None
        self._handshakes: Handshakes | None = None
        # When to try again after a refused handshake, and how long to wait after the next.
        self._retry_at: float | None = None
        self._retry = _FIRST_RETRY
        self._warned: set[str] = set()

    # Called by the trials' threads.

    @property
    def is_remote(self) -> bool:
        """Whether the coordinator may be on another machine."""
        return self._endpoint.keys is not None

    @property
    def interrupted(self) -> bool:
        """Whether a signal asked the process to end."""
        return self.interrupted_at is not None

    @property
    def offline(self) -> str | None:
        """Why no trial should go on, when there was no coordinator for so long that its results are worth little."""
        since = self._offline_since
        if since is None or steady() - since < self._offline_run:
            return None
        return f"no coordinator for {self._offline_run:g} s"

    def record(self, fence: int, body: str, over: bool = False, urgent: bool = True) -> bool:
        """Make an event durable in time; waits only while the backlog is full. False: the attempt is not ours now."""
        with self._lock:
            session = self._session
            if not over and not session.has_room:
                self._wait_for_room(fence)
            if not session.record(fence, body, over):
                return False
            wake = urgent and not self._awake and session.wants_sending
        if wake:
            self.wake()
        return True

    def decline(self, fence: int, reason: str) -> None:
        """Hand back a lease that has not begun."""
        with self._lock:
            self._session.decline(fence, reason)
        self.wake()

    def interrupt(self, reason: str) -> None:
        """Take no more leases and have the running trials stop. Safe in a signal handler."""
        self.leaving = self.leaving or reason
        self.interrupted_at = steady()
        self.wake()

    def say_bye(self, reason: str, hurried: bool = False) -> None:
        """Wait until everything is acknowledged, then say bye and end the thread.

        What nobody has acknowledged exists nowhere else. It waits for as long as a worker stays without a coordinator,
        after a signal for a minute, and hurried for a moment only.
        """
        self._is_hurried = hurried
        self._farewell = (reason, steady())
        self.wake()
        # Not `join`: one that a signal's exception interrupts takes the thread for ended (CPython 3.10, 3.11).
        try:
            while not hurried and not self._is_through.wait(1.0):
                pass
        except BaseException:
            # A second signal: it is not to wait any longer.
            self._is_hurried = True
            self._farewell = (reason, steady() - _FAREWELL)
            self.wake()
            raise
        finally:
            self._is_through.wait(_FAREWELL + 2 * _LINGER_MS / 1000)

    def wake(self) -> None:
        """Have the thread look at what there is to do."""
        self._awake = True
        # Where the pipe is full, the thread is awake; where it is closed, the thread has ended.
        with contextlib.suppress(OSError):
            os.write(self._wake_writer, b"\0")

    # The thread.

    def run(self) -> None:
        """Carry messages until the farewell."""
        try:
            context = zmq.Context()
            try:
                self._carry(context)
            finally:
                context.destroy(linger=_LINGER_MS)
        except BaseException as error:  # noqa: B036 - handed to the main thread, whatever it is
            self.failure = self.failure or error
        finally:
            with self._room:
                self.lost = self._unacknowledged() or None
                self.leaving = self.leaving or "the connection's thread has ended"
                for held in self._session.leases.values():
                    held.abandoned = True
                self._session.leases.clear()
                self._room.notify_all()
            if self.lost is not None:
                print(f"sweepd: {lost_text(self.lost)}", file=sys.stderr, flush=True)
            self._end_offers()
            os.close(self._wake_writer)
            os.close(self._wake_reader)
            self._is_through.set()

    def _carry(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        socket = self._connect(context)
        unsent: list[str] = []
        greetings = 0
        while True:
            now = steady()
            if self.interrupted_at is not None and now - self.interrupted_at >= _GRACE and self._farewell is None:
                self._farewell = (self.leaving or "interrupted", self.interrupted_at)
            with self._lock:
                if self._session.is_silent(now) or (self._retry_at is not None and now >= self._retry_at):
                    self._offline_since = now if self._offline_since is None else self._offline_since
                    self._disconnect(socket)
                    self._endpoint.turn()
                    socket = self._connect(context)
                if self._session.greetings != greetings:
                    # What the socket would not take yet belongs to a session that is over.
                    greetings, unsent = self._session.greetings, []
                if not unsent:
                    unsent = self._session.messages(now)
                farewell = self._farewell
                is_over = farewell is not None and now >= self._gives_up_at(farewell[1])
                done = farewell is not None and (is_over or self._is_settled())
                if farewell is not None and not done:
                    self._tell_wait(now, farewell[1])
                # What cannot be sent yet waits for the socket, not for the clock.
                nap = _LONGEST_NAP if unsent else max(0.0, min(self._session.wakes_at() - now, _LONGEST_NAP))
            self._send(socket, unsent)
            if farewell is not None and done and (is_over or not (unsent and self._session.is_open)):
                self._send(socket, [self._session.bye(farewell[0])] if self._session.is_open else [])
                socket.close(linger=_LINGER_MS)
                return
            self._check_leaving(now)
            self._wait(socket, nap, bool(unsent))
            self._check_handshakes(steady())
            self._receive(socket)

    def _connect(self, context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
        self._retry_at = None
        socket = context.socket(zmq.DEALER)
        for option, value in (
            # Nothing is queued for a coordinator that is not there: it would be a stranger's mail to its successor.
            (zmq.IMMEDIATE, 1),
            (zmq.SNDHWM, 256),
            (zmq.RCVHWM, 256),
            (zmq.HANDSHAKE_IVL, 5000),
            (zmq.MAXMSGSIZE, 4 << 20),
            (zmq.LINGER, _LINGER_MS),
            (zmq.RECONNECT_IVL, 500),
            (zmq.RECONNECT_IVL_MAX, 30_000),
            (zmq.CONNECT_TIMEOUT, 10_000),
            (zmq.IPV6, 1),
        ):
            socket.setsockopt(option, value)
        if self._endpoint.keys is not None:
            encrypt(socket, self._endpoint.keys)
            self._handshakes = Handshakes(socket)
        socket.connect(self._endpoint.find())
        self._session.connect(steady())
        return socket

    def _disconnect(self, socket: zmq.Socket[bytes]) -> None:
        if self._handshakes is not None:
            self._handshakes.close()
            self._handshakes = None
        socket.close(linger=0)

    def _check_handshakes(self, now: float) -> None:
        handshakes = self._handshakes
        if handshakes is None:
            return
        handshakes.look()
        place = self._endpoint.find()
        if handshakes.is_refused:
            self._hear_refusal(place, now)
            return
        if now - self._online_at < _UNHEARD or handshakes.is_established:
            return
        if handshakes.is_stranger:
            self._warn(
                f"something answers at {place}, but it does not have the coordinator's key: is this another program's "
                "address now, or does the coordinator have a new data directory? The worker goes on trying"
            )
        else:
            self._warn(f"{unreachable([place], _UNHEARD)}. The worker goes on trying")

    def _hear_refusal(self, place: str, now: float) -> None:
        """Leave or try again.

        How a handshake is refused is not encrypted: whoever can come between says it as well as the coordinator, and
        must not be able to end what runs. It is believed where nothing is lost by it: at the start, and when no
        coordinator was heard for so long that nothing runs any more. (A key that is revoked while its worker is
        connected is told so within the session, where nobody else can speak.)
        """
        if self._retry_at is not None:
            return
        with self._lock:
            runs = any(not held.over for held in self._session.leases.values())
            was_welcome = self._session.was_open
        if self._offline_since is None:
            self._offline_since = now
        if not was_welcome or not (runs or self.offline is None):
            raise WorkerRefused(
                f"the coordinator at {place} does not accept this worker's key: it was revoked, or enrolled at another "
                "coordinator; ask for a new invitation (`sweepd invite`)"
            )
        self._warn(
            f"a connection was refused, by somebody at {place} who need not be the coordinator: trials go on, and it "
            "is tried again. If this worker's key was revoked, it needs a new invitation (`sweepd invite`)"
        )
        self._retry_at = now + self._retry * random.uniform(0.8, 1.2)
        self._retry = min(_LAST_RETRY, 2 * self._retry)

    def _send(self, socket: zmq.Socket[bytes], texts: list[str]) -> None:
        while texts:
            try:
                socket.send_multipart((wire.MAGIC, texts[0].encode()), zmq.DONTWAIT)
            except zmq.Again:
                return
            del texts[0]

    def _wait(self, socket: zmq.Socket[bytes], nap: float, wants_to_send: bool) -> None:
        events = zmq.POLLIN | (zmq.POLLOUT if wants_to_send else 0)
        places: list[tuple[object, int]] = [(socket, events), (self._wake_reader, zmq.POLLIN)]
        if self._handshakes is not None:
            places.append((self._handshakes.monitor, zmq.POLLIN))
        ready = zmq.zmq_poll(places, int(nap * 1000) + 1)
        if any(place == self._wake_reader for place, _ in ready):
            # In this order: an event recorded in between wakes nobody, but the next round is about to look.
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_reader, 4096)
            self._awake = False

    def _receive(self, socket: zmq.Socket[bytes]) -> None:
        messages = []
        for _ in range(_RECEIVED_AT_ONCE):
            try:
                frames = socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            try:
                messages.append(wire.decode(frames))
            except wire.WireError as error:
                self._warn(f"a message was dropped: {error}")
        if not messages:
            return
        now = self._online_at = steady()
        self._offline_since = None
        self._retry = _FIRST_RETRY
        with self._room:
            for message in messages:
                try:
                    changes = self._session.receive(message, now)
                except wire.WireError as error:
                    self._warn(f"a message of type {message['t']} was dropped: {error}")
                    continue
                for change in changes:
                    self._apply(change)
            self._room.notify_all()

    def _apply(self, change: object) -> None:
        if isinstance(change, states.Offered):
            self._take(change.lease)
        elif isinstance(change, states.Drain):
            self.leaving = self.leaving or "drained"
        elif isinstance(change, states.Refused):
            if change.code == "draining":
                self.leaving = self.leaving or "drained"
            elif change.fatal:
                raise WorkerRefused(change.message)
            else:
                self._warn(f"the coordinator refuses: {change.message}")

    def _take(self, lease: Lease) -> None:
        if self.leaving is not None:
            self._session.decline(lease.fence, self.leaving)
        else:
            self.offers.put((lease, self._session.accept(lease)))

    def _check_leaving(self, now: float) -> None:
        # Only time in which the coordinator was there counts: one that is away, as while it is started again, has
        # nothing to give, which says nothing of how much it will have.
        if self._session.leases or not self._session.is_open:
            self._idle_since = now
        elif self._idle_timeout is not None and self._online_at - self._idle_since >= self._idle_timeout:
            self.leaving = self.leaving or "idle"
        # It says so before it ends, but what it says may be lost; a beat without an answer makes us look.
        is_unanswered = now - self._online_at > self._session.heartbeat + 1
        if is_unanswered and not self._session.leases and self._endpoint.is_withdrawn():
            self.leaving = self.leaving or "the coordinator has ended"
        # Results that nobody has yet are kept, and the coordinator is tried again.
        if now - self._online_at >= self._offline_timeout and not self._session.leases:
            self.leaving = self.leaving or f"no coordinator for {self._offline_timeout:g} s"
        if self.leaving is None or self._ended:
            return
        while True:
            try:
                offer = self.offers.get_nowait()
            except queue.Empty:
                break
            if offer is not None:
                with self._lock:
                    self._session.decline(offer[0].fence, self.leaving)
        self._end_offers()

    def _end_offers(self) -> None:
        if not self._ended:
            self._ended = True
            for _ in range(self._runners):
                self.offers.put(None)

    def _is_settled(self) -> bool:
        if any(held.last > held.acknowledged for held in self._session.leases.values()):
            return False
        # A bye that nobody hears hands nothing back.
        return self._session.is_open or not self._session.leases

    def _gives_up_at(self, since: float) -> float:
        if self._is_hurried:
            return since + _FAREWELL
        if self.interrupted_at is not None:
            return max(since, self.interrupted_at) + _LAST_WAIT
        return max(since, self._online_at) + self._offline_timeout

    def _tell_wait(self, now: float, since: float) -> None:
        if self._has_told_wait or now - since < _SILENT_WAIT:
            return
        self._has_told_wait = True
        unacknowledged = self._unacknowledged()
        what = "to hand trials back"
        if unacknowledged:
            what = f"to acknowledge what only this worker has ({unacknowledged})"
        end = "another signal ends this at once" if self.interrupted else "two signals (Ctrl-C) end this at once"
        self._warn(f"waiting for the coordinator {what}, for up to {self._gives_up_at(since) - now:.0f} s; {end}")

    def _unacknowledged(self) -> str:
        """Name the trials with events that the coordinator has not acknowledged."""
        found = [held for held in self._session.leases.values() if held.last > held.acknowledged]
        parts = []
        for held in found[:_NAMED]:
            count, (sweep, trial) = held.last - held.acknowledged, held.trial
            events = "1 event" if count == 1 else f"{count} events"
            parts.append(f"{events} of trial {trial} of sweep {sweep} (attempt {held.fence})")
        if len(found) > _NAMED:
            parts.append(f"and {len(found) - _NAMED} more trials")
        return ", ".join(parts)

    def _wait_for_room(self, fence: int) -> None:
        self._warn("reports wait: the coordinator has not acknowledged the earlier ones")
        while not self._session.has_room and fence in self._session.leases and self.is_alive():
            if self.interrupted or self.offline:
                # The trial is to end and to save before it does: the little that it still says is kept.
                return
            self._room.wait(1.0)

    def _warn(self, text: str) -> None:
        if text not in self._warned and len(self._warned) < 1000:
            self._warned.add(text)
            print(f"sweepd: {text}", file=sys.stderr, flush=True)


def lost_text(lost: str) -> str:
    """Say what went with the worker."""
    return f"left before the coordinator acknowledged everything; lost with this worker: {lost}"
