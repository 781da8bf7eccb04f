# SPDX-License-Identifier: MIT
"""`sweepd.worker(function)`: a Python process that attaches itself and keeps its imports warm between trials."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import resource
import secrets
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from . import _connection, _curve, _invitation
from . import _wire as wire
from ._checkpoints import Saved
from ._digest import Interrupted
from ._link import Link, ResultsLost, WorkerRefused, lost_text
from ._metrics import checked_metrics
from ._parameters import nested
from ._reach import Reach, places
from ._resume import choose
from ._session import Held
from ._trial import Facts, Trial, TrialStopped, place_of, resumed
from ._version import VERSION
from ._wire import Lease

__all__ = ["ResultsLost", "WorkerRefused", "worker"]

# One report, encoded; a message of the protocol holds 1 MiB.
_REPORT_BYTES = 1 << 18
_LONGEST_IPC_PATH = 107
# What passes, or another machine does not suffer from: nobody's failure.
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE)
# `sweepd run` may have been started just before, and needs a moment to write its endpoint.
_PATIENCE = 5.0


class _TimedOut(Exception):
    """The trial's own time limit has passed."""


class _Unprepared(Exception):
    """The attempt cannot begin, for want of a folder to save into."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"cannot make the checkpoint folder '{folder}': {error.filename or folder}: {error.strerror}; the sweep "
            "file's checkpoints: {path: …} must be a folder that every worker can write to"
        )
        self.cause = "infrastructure" if error.errno in _PASSING else "user"


class _Reports:
    """A trial's way to the coordinator, for a function that runs in this process."""

    def __init__(self, link: Link, lease: Lease, held: Held, deadline: float | None) -> None:
        self._link, self._lease, self._held, self._deadline = link, lease, held, deadline
        self.last_step = lease.resume.step if lease.resume else 0
        self.objective: float | None = None
        self.reported = False
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] | None = None
        self._warned = False
        # Why it was asked to end, where that was for want of a coordinator.
        self.offline: str | None = None

    def report(self, step: int | None, metrics: Mapping[str, float]) -> None:
        """Pass on metrics; without a step, the one after the last."""
        number = self.last_step + 1 if step is None else step
        body = wire.report(number, metrics)
        if len(body) > _REPORT_BYTES:
            raise ValueError(f"one report may take {_REPORT_BYTES >> 10} KiB, this one takes {len(body) >> 10} KiB")
        if self.reported and number < self.last_step and not self._warned:
            self._warned = True
            text = f"step {number} was reported after step {self.last_step}; it is kept as it is"
            self._record(wire.warning(text))
        self._record(body)
        self.reported = True
        self.last_step = max(self.last_step, number)
        self._last = (number, time.monotonic())
        self._first = self._first or self._last
        self.objective = metrics.get(self._lease.metric, self.objective)

    @property
    def seconds_per_step(self) -> float | None:
        """Measured from the first report to the last; None before there are two steps."""
        if self._first is None or self._last is None or self._last[0] <= self._first[0]:
            return None
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])

    def checkpoint(self, saved: Saved) -> None:
        """Pass on that a checkpoint is complete."""
        self._record(wire.checkpoint(saved.step, saved.location, saved.sha256, saved.bytes))

    def stop_reason(self) -> str | None:
        """Return why the trial is to end, if it is."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise _TimedOut
        if self._held.abandoned:
            return "abandoned"
        reason = self._held.stop_reason or (self._link.leaving if self._link.interrupted else None)
        if reason is None:
            reason = self.offline = self._link.offline
        return reason

    def close(self) -> None:
        """Do nothing: how the attempt ends is said when the function returns."""

    def _record(self, body: str) -> None:
        if not self._link.record(self._lease.fence, body):
            raise TrialStopped("abandoned")


def worker(
    function: Callable[[Trial], Any],
    endpoint: str | None = None,
    data: str | os.PathLike[str] | None = None,
    slots: int = 1,
    prefetch: int = 8,
    *,
    join: str | os.PathLike[str] | None = None,
    connection: str | os.PathLike[str] | None = None,
    labels: Iterable[str] = (),
    checkpoints: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    idle_timeout: float | None = None,
    offline_timeout: float = 1800.0,
    offline_run: float = 1800.0,
    checkpoint_every: float | None = 60.0,
    window: int | None = None,
) -> int:
    """Run trials by calling `function(trial)` until the coordinator drains this worker; return how many were run.

    A coordinator on this machine is found at `endpoint`, else at `$SWEEPD_ENDPOINT`, else through `endpoint.json` in
    `data` (else in `.sweepd`). One on another machine is found through an invitation, which is used once: `join` is
    "-", to read it from standard input, or the path of a file that holds it (else `$SWEEPD_JOIN` is the invitation
    itself). What comes of it is kept in the file `connection` (else `~/.config/sweepd/worker.json`), with which the
    worker attaches from then on. It reads and writes no checkpoints but below `data` and the places `checkpoints`:
    folders, and URIs such as "s3://bucket/runs". `labels` are words by which a sweep can ask for this worker.

    The function runs on this thread; with more than one slot the others are threads, for functions that release the
    interpreter's lock. What it returns, a number or a dict of metrics, is its last report. A trial goes on without a
    coordinator; after `offline_run` seconds it is asked to save and to end, and is continued when there is one again.

    Also returns when it had nothing to do for `idle_timeout` seconds, when the coordinator does not answer and has
    removed `endpoint.json`, when none was there for `offline_timeout` seconds and it holds no results that nobody has
    yet, and on SIGTERM or SIGINT: the running trial is asked to stop, a second signal raises KeyboardInterrupt. Raises
    `WorkerRefused` where the coordinator will not have it. Before it returns it waits until the coordinator has
    acknowledged everything: without a word from one for `offline_timeout` seconds, after a signal for a minute in all.
    What was not acknowledged then is named on standard error, and it raises `ResultsLost`.

    At most `window` events (else `$SWEEPD_WINDOW`) are unacknowledged at once, and never more than the coordinator
    allows: for measurements.
    """
    if slots < 1 or prefetch < 0:
        raise ValueError(f"slots must be at least 1 and prefetch at least 0, not {slots} and {prefetch}")
    labels = _labels(labels)
    named = places(checkpoints)
    window = _window(window)
    folder = Path(data) if data is not None else Path(".sweepd")
    introduction = wire.Introduction(
        boot=secrets.token_hex(16),
        agent=f"python/{VERSION}",
        host=socket.gethostname(),
        process_id=os.getpid(),
        slots=slots,
        prefetch=prefetch,
        labels=labels,
    )
    place = _endpoint(endpoint, data, join, connection)
    _await(place)
    link = Link(place, introduction, idle_timeout, offline_timeout, window, offline_run)
    reach = Reach(folder.absolute() / "attempts", named) if link.is_remote else None
    runner = _Runner(function, link, folder.absolute(), slots, checkpoint_every, reach)
    reason = "the worker's process ends"
    with _signals(link):
        link.start()
        others = [threading.Thread(target=runner.run, daemon=True) for _ in range(slots - 1)]
        for thread in others:
            thread.start()
        try:
            runner.run()
            for thread in others:
                thread.join()
        except BaseException:
            link.say_bye(reason, hurried=True)
            raise
        link.say_bye(link.leaving or reason)
    if link.failure is not None:
        raise link.failure
    if link.lost is not None:
        raise ResultsLost(lost_text(link.lost))
    return runner.count


class _Runner:
    """Calls the function for one lease after the other."""

    def __init__(
        self,
        function: Callable[[Trial], Any],
        link: Link,
        folder: Path,
        slots: int,
        checkpoint_every: float | None,
        reach: Reach | None,
    ) -> None:
        self._function, self._link, self._folder = function, link, folder
        self._reach = reach
        self._checkpoint_every = checkpoint_every
        # With several slots the process's memory is nobody's in particular.
        self._measures_memory = slots == 1
        self.count = 0

    def run(self) -> None:
        """Run trials until there are no more."""
        while (offer := self._link.offers.get()) is not None:
            lease, held = offer
            if self._hands_back(lease, held):
                continue
            try:
                # The link's thread beats meanwhile, however long reading a checkpoint takes.
                lease, warnings = self._prepared(lease, held)
            except Interrupted:
                self._hands_back(lease, held)
                continue
            except _Unprepared as error:
                body = wire.failed(error.cause, str(error), "", wire.resources(0.0, None, None))
                self._link.record(lease.fence, body, over=True)
                self.count += 1
                continue
            self._attempt(lease, held, warnings)
            self.count += 1

    def _hands_back(self, lease: Lease, held: Held) -> bool:
        """Let go of a lease that has not begun and must not begin any more."""
        if held.abandoned:
            return True
        reason = held.stop_reason
        if reason is None and self._link.interrupted:
            reason = self._link.leaving or "interrupted"
        reason = reason or self._link.offline
        if reason is not None:
            self._link.decline(lease.fence, reason)
        return reason is not None

    def _prepared(self, lease: Lease, held: Held) -> tuple[Lease, list[str]]:
        """Return the lease with the checkpoint that is fit to go on from, and why it is none of the newer ones."""
        refused: list[str] = []
        if self._reach is not None:
            lease, refused = self._reach.admitted(lease)
        folder = place_of(lease.checkpoint_directory) if lease.checkpoint_directory else ""
        if isinstance(folder, Path):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
            except OSError as error:
                raise _Unprepared(folder, error) from error
        if lease.resume is None:
            return lease, refused

        def is_interrupted() -> bool:
            return held.abandoned or held.stop_reason is not None or self._link.interrupted

        checkpoint, warnings = choose([lease.resume, *lease.fallbacks], is_interrupted)
        return lease._replace(resume=checkpoint), [*refused, *warnings]

    def _attempt(self, lease: Lease, held: Held, warnings: list[str]) -> None:
        began = time.monotonic()
        reports = _Reports(self._link, lease, held, None if lease.time_limit is None else began + lease.time_limit)
        facts = self._facts(lease)
        # A start alone wakes nobody: most often a report follows at once, and they travel together.
        self._link.record(lease.fence, wire.started(lease.resume.step if lease.resume else None), urgent=False)
        for text in warnings:
            self._link.record(lease.fence, wire.warning(text), urgent=False)
        ending: tuple[str, str, str] | str
        exit_code: int | None = None
        try:
            self._report_result(self._function(Trial(facts, reports, self._checkpoint_every)), reports, lease)
            ending = _judged(reports, lease)
        except TrialStopped:
            if self._link.interrupted and held.stop_reason is None:
                # Nobody but the signal asked: the bye releases the lease, and the trial goes on elsewhere.
                return
            if reports.offline and held.stop_reason is None:
                # Not the trial's doing: another attempt goes on from its last checkpoint.
                ending = ("infrastructure", f"the worker had {reports.offline}", "")
            else:
                ending = "stopped"
        except _TimedOut:
            ending = ("timeout", f"the trial's time limit of {lease.time_limit:g} s has passed", "")
        except MemoryError as error:
            ending = ("memory", _line(error), _trace(error))
        except KeyboardInterrupt:
            raise
        except SystemExit as error:
            code = error.code
            # As the system would tell it of a process.
            exit_code = 0 if code is None else code & 0xFF if isinstance(code, int) else 1
            failure = ("user", f"exit code {exit_code}", _trace(error))
            ending = _judged(reports, lease) if exit_code == 0 else failure
        except BaseException as error:
            # The accelerators' libraries have classes of their own for it.
            cause = "memory" if "OutOfMemory" in type(error).__name__ else "user"
            ending = (cause, _line(error), _trace(error))
        used = wire.resources(
            time.monotonic() - began, reports.seconds_per_step, _peak() if self._measures_memory else None
        )
        if isinstance(ending, str):
            body = wire.finished(ending, used)
        else:
            cause, message, tail = ending
            body = wire.failed(cause, message, tail, used, exit_code)
        self._link.record(lease.fence, body, over=True)

    def _facts(self, lease: Lease) -> Facts:
        attempt = Path(lease.attempt_directory) if lease.attempt_directory else None
        if attempt is None:
            attempt = self._folder / "attempts" / str(lease.sweep) / str(lease.trial) / f"a{lease.fence}"
        return Facts(
            params=nested(lease.params),
            seed=lease.seed,
            number=lease.trial,
            attempt=lease.attempt,
            sweep=lease.sweep_name,
            metric=lease.metric,
            goal=lease.goal,
            max_step=lease.max_step,
            checkpoint_folder=(
                place_of(lease.checkpoint_directory) if lease.checkpoint_directory else attempt / "checkpoints"
            ),
            **resumed(lease.resume.location if lease.resume else None),
            resume_step=lease.resume.step if lease.resume else 0,
        )

    def _report_result(self, result: Any, reports: _Reports, lease: Lease) -> None:
        if result is None:
            return
        metrics = result if isinstance(result, Mapping) else {lease.metric: result}
        if metrics:
            reports.report(None, checked_metrics(metrics, {}))


def _judged(reports: _Reports, lease: Lease) -> tuple[str, str, str] | str:
    objective = reports.objective
    if objective is None:
        # An earlier attempt's reports count, and it may have saved its last step just before it was lost.
        if lease.resume and not reports.reported:
            return "completed"
        return "user", f"no metric '{lease.metric}' was reported", ""
    if not math.isfinite(objective):
        return "diverged", f"{lease.metric} was {objective} at the end", ""
    return "completed"


def _trace(error: BaseException) -> str:
    # Our own frame comes first and tells nobody anything.
    trace = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, trace.tb_next if trace else None))


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


def _peak() -> int:
    """Return the most memory this process ever held: an upper bound for the trial. Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _window(given: int | None) -> int | None:
    """Return the most events that may be unacknowledged at once; None: as many as the coordinator allows."""
    text = os.environ.get("SWEEPD_WINDOW") if given is None else str(given)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"window (or SWEEPD_WINDOW) must be a whole number from 1, not {text!r}")
    return int(text)


def _labels(given: Iterable[str]) -> tuple[str, ...]:
    # A single word would be taken for its letters.
    labels = (given,) if isinstance(given, str) else tuple(given)
    if len(labels) > wire.MOST_LABELS or not all(map(wire.is_label, labels)):
        raise ValueError(
            f"labels are at most {wire.MOST_LABELS} words of 1 to 64 letters, digits and '_.=:-' (no '-' first), not "
            f"{labels!r}"
        )
    return labels


class _Fixed:
    """An endpoint that was given."""

    keys = None

    def __init__(self, endpoint: str) -> None:
        self._endpoint = _checked(endpoint)

    def find(self) -> str:
        """Return it."""
        return self._endpoint

    def turn(self) -> None:
        """Do nothing: there is one."""

    def is_withdrawn(self) -> bool:
        """Return False: nobody can tell."""
        return False


class _Published:
    """An endpoint in a data directory; the file is read again each time, because a new coordinator writes it anew."""

    keys = None

    def __init__(self, folder: Path) -> None:
        self._path, self._known = folder.absolute() / "endpoint.json", ""

    def find(self) -> str:
        """Read the file."""
        path = self._path
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            self._known = _checked(content["workers"])
        except OSError as error:
            # Gone for the moment, as while the coordinator starts again: the old place is the best guess.
            if not self._known:
                raise FileNotFoundError(
                    f"no coordinator found: {path} cannot be read ({error.strerror}); start one with `sweepd run`, or "
                    "give data= (the data directory), endpoint= or SWEEPD_ENDPOINT"
                ) from error
        except (ValueError, KeyError, TypeError) as error:
            if not self._known:
                raise ValueError(f'{path} should hold {{"workers": "ipc:///…"}}: {error!r}') from error
        return self._known

    def turn(self) -> None:
        """Do nothing: the file says what there is."""

    def is_withdrawn(self) -> bool:
        """Return whether the file is gone: a coordinator that is killed leaves it."""
        return not self._path.exists()


class _Joined:
    """The endpoints of a connection file, one after the other, under its keys."""

    def __init__(self, connection: _connection.Connection) -> None:
        self.keys = _curve.keys(connection)
        self._endpoints, self._turn = connection.endpoints, 0

    def find(self) -> str:
        """Return the one whose turn it is."""
        return self._endpoints[self._turn]

    def turn(self) -> None:
        """Take the next one."""
        self._turn = (self._turn + 1) % len(self._endpoints)

    def is_withdrawn(self) -> bool:
        """Return False: nobody can tell."""
        return False


def _endpoint(
    given: str | None,
    data: str | os.PathLike[str] | None,
    join: str | os.PathLike[str] | None,
    connection: str | os.PathLike[str] | None,
) -> _Fixed | _Published | _Joined:
    if given is not None and (join is not None or connection is not None):
        raise ValueError("endpoint= is for a coordinator on this machine, join= and connection= are for another one")
    file = Path(connection) if connection is not None else _connection.default_path()
    if join is not None:
        return _Joined(_invitation.accepted(_invitation.read(join), file))
    if connection is not None:
        return _Joined(_worker_connection(file))
    fixed = given or os.environ.get("SWEEPD_ENDPOINT")
    if fixed:
        return _Fixed(fixed)
    if "SWEEPD_JOIN" in os.environ:
        return _Joined(_invitation.accepted(_invitation.from_environment(), file))
    folder = Path(data) if data is not None else Path(".sweepd")
    # Where nothing was said, a sweep in this folder comes first.
    if data is None and not folder.exists() and file.exists():
        return _Joined(_worker_connection(file))
    return _Published(folder)


def _worker_connection(file: Path) -> _connection.Connection:
    connection = _connection.read(file)
    if connection.role != "worker":
        raise _connection.ConnectionFileError(f"the connection file {file} is an {connection.role}'s, not a worker's")
    return connection


def _await(place: _Fixed | _Published | _Joined) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            place.find()
            return
        except FileNotFoundError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.05)


def _checked(endpoint: str) -> str:
    if isinstance(endpoint, str) and endpoint.startswith("tcp://"):
        raise ValueError(
            f"{endpoint} is on a network, where a worker needs keys: use an invitation (`sweepd invite`, join=)"
        )
    if not isinstance(endpoint, str) or not endpoint.startswith("ipc:///"):
        raise ValueError(f"an endpoint is ipc:///absolute/path, not {endpoint!r}")
    if endpoint.startswith("ipc://") and len(os.fsencode(endpoint[6:])) > _LONGEST_IPC_PATH:
        raise ValueError(f"the path of an ipc endpoint may have {_LONGEST_IPC_PATH} bytes: {endpoint}")
    return endpoint


@contextlib.contextmanager
def _signals(link: Link) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    process = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            # A forked child has inherited this handler: whoever signals it means it and not the worker.
            signal.signal(number, previous[number])
            os.kill(os.getpid(), number)
            return
        if link.interrupted:
            raise KeyboardInterrupt
        link.interrupt(signal.Signals(number).name)

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
