# SPDX-License-Identifier: MIT
"""`sweepd.trial()`: what a training script sees of the sweep it belongs to."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from . import _checkpoints
from ._agent import Agent, Channel, Terminal
from ._location import is_storage, local_path
from ._metrics import checked_metrics, checked_step
from ._parameters import Parameters, from_arguments, nested


class TrialStopped(Exception):
    """The sweep asks this trial to end. `with sweepd.trial()` ends quietly on it."""

    def __init__(self, reason: str = "stopped") -> None:
        """Remember why."""
        super().__init__(reason)
        self.reason = reason


@dataclass
class Facts:
    """What a trial is told when it starts."""

    params: Parameters
    seed: int = 0
    number: int = 0
    attempt: int = 1
    sweep: str | None = None
    metric: str | None = None
    goal: str = "minimize"
    max_step: int | None = None
    # The text of a URI stays text: a Path would make one slash of two.
    checkpoint_folder: Path | str = field(default_factory=lambda: Path("checkpoints"))
    checkpoint: Path | None = None
    checkpoint_uri: str | None = None
    resume_step: int = 0


class Trial:
    """One trial, from inside: its parameters, and what becomes of it."""

    def __init__(self, facts: Facts, channel: Channel, checkpoint_every: float | None = 60.0) -> None:
        """Make a trial that speaks through `channel`; scripts call `sweepd.trial()` instead."""
        self.params = facts.params
        self.seed = facts.seed
        self.number = facts.number
        self.attempt = facts.attempt
        self.sweep = facts.sweep
        self.metric = facts.metric
        self.goal = facts.goal
        self.max_step = facts.max_step
        self.checkpoint = facts.checkpoint
        self.checkpoint_uri = facts.checkpoint_uri
        self.checkpoint_folder = facts.checkpoint_folder
        self.resume_step = facts.resume_step
        self._channel = channel
        self._every = checkpoint_every
        self._saved_at = time.monotonic()
        self._asks_for_checkpoints = False
        self._stop: str | None = None
        self._terminated = False
        self._saving = False
        self._previous_handler: Any = None

    def report(self, step: int | None = None, values: Mapping[str, Any] | None = None, /, **metrics: Any) -> None:
        """Report metrics, at a step or without one: `report(4, loss=0.3)` or `report(4, {"val/loss": 0.3})`.

        Never waits for a verdict. Raises `TrialStopped` while a stop is pending; a script that asks
        `should_checkpoint()` gets the chance to do so first.
        """
        if isinstance(step, Mapping) and values is None:
            step, values = None, step
        if step is None and "step" in metrics:
            step = metrics.pop("step")
        number = None if step is None else checked_step(step)
        self._channel.report(number, checked_metrics(values, metrics))
        if self._stop is None and self._pending() and self._asks_for_checkpoints:
            return
        if self._stop is not None:
            raise TrialStopped(self._stop)

    def should_checkpoint(self) -> bool:
        """Whether now is the time to save: while a stop is pending, and when the last checkpoint is a while ago."""
        self._asks_for_checkpoints = True
        if self._pending():
            return True
        return self._every is not None and time.monotonic() - self._saved_at >= self._every

    @contextmanager
    def new_checkpoint(self, step: int) -> Iterator[Path]:
        """Give a directory to save into; when it closes without an exception, it is this trial's checkpoint.

        Raises `TrialStopped` at the end while a stop is pending.
        """
        self._asks_for_checkpoints = True
        number = checked_step(step)
        folder = self.checkpoint_folder
        if isinstance(folder, str):
            raise RuntimeError(
                f"the sweep file's checkpoints: {{path: …}} is no folder but {folder}: save there yourself (it is "
                "trial.checkpoint_folder), then call trial.record_checkpoint(step, uri)"
            )
        temporary = _checkpoints.prepare(folder, number)
        self._saving = True
        try:
            yield temporary
            saved = _checkpoints.publish(temporary, folder, number)
            if isinstance(self._channel, Terminal):
                saved = _checkpoints.supersede(saved)
        except BaseException:
            _checkpoints.discard(temporary)
            raise
        finally:
            self._saving = False
        self._tell(saved)

    def record_checkpoint(self, step: int, uri: str) -> None:
        """Tell that a checkpoint is complete in storage of your own, at a URI such as `s3://bucket/run/step-4`.

        It is handed to a later attempt as it is, in `checkpoint_uri`. Raises `TrialStopped` while a stop is pending.
        """
        self._asks_for_checkpoints = True
        number = checked_step(step)
        if not is_storage(uri):
            raise ValueError(
                f"record_checkpoint takes the URI of storage elsewhere, such as s3://bucket/run/step-4, not {uri!r}; "
                "new_checkpoint saves into a folder"
            )
        self._tell(_checkpoints.Saved(number, uri, "", 0))

    def _tell(self, saved: _checkpoints.Saved) -> None:
        self._channel.checkpoint(saved)
        self._saved_at = time.monotonic()
        if self._pending():
            raise TrialStopped(self._stop or "stopped")

    def __enter__(self) -> Trial:
        """Begin; from here on SIGTERM asks for a stop, unless the script handles it itself."""
        on_main_thread = threading.current_thread() is threading.main_thread()
        if isinstance(self._channel, Agent) and on_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._process = os.getpid()
            self._previous_handler = signal.signal(signal.SIGTERM, self._terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End; a `TrialStopped` ends here, quietly."""
        if self._previous_handler is not None:
            signal.signal(signal.SIGTERM, self._previous_handler)
            self._previous_handler = None
        self._channel.close()
        return kind is not None and issubclass(kind, TrialStopped)

    def _pending(self) -> bool:
        if self._stop is None:
            self._stop = "terminated" if self._terminated else self._channel.stop_reason()
        return self._stop is not None

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A forked child (a data loader, say) has inherited this handler: who ends it means it and not the trial.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        # The worker asks over its socket, and sends this when its patience ends; from anyone else the first is a
        # request. A checkpoint that is being written has until the kill that follows.
        reason = self._stop or self._channel.stop_reason() or ("terminated" if self._terminated else None)
        if reason is not None and not self._saving:
            self._stop = reason
            raise TrialStopped(reason)
        self._terminated = True


def trial(
    defaults: Mapping[str, Any] | None = None,
    *,
    arguments: Sequence[str] | None = None,
    seed: int = 0,
    checkpoint_every: float | None = 60.0,
) -> Trial:
    """Return the trial this script was started for.

    Outside a sweep the parameters come from the command line (or `arguments`) over `defaults`, reports are printed and
    checkpoints go to `./checkpoints`. `checkpoint_every` is how many seconds after the last checkpoint
    `should_checkpoint()` asks for one; None: only when a stop is pending.
    """
    environment = os.environ
    if "SWEEPD_TRIAL" not in environment:
        params = from_arguments(sys.argv[1:] if arguments is None else arguments, defaults)
        chosen = params.get("seed", seed)
        facts = Facts(params=params, seed=chosen if isinstance(chosen, int) else seed)
        return Trial(facts, Terminal(), checkpoint_every)
    path = environment.get("SWEEPD_SOCKET")
    return Trial(_facts(environment, defaults or {}), Agent(path) if path else Terminal(), checkpoint_every)


def _facts(environment: Mapping[str, str], defaults: Mapping[str, Any]) -> Facts:
    values: dict[str, Any] = Parameters(defaults).flat()
    path = environment.get("SWEEPD_PARAMS")
    if path:
        try:
            given = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RuntimeError(f"SWEEPD_PARAMS names {path}, which cannot be read: {error}") from error
        if not isinstance(given, dict):
            raise RuntimeError(f"SWEEPD_PARAMS names {path}, which holds no JSON object")
        values.update(Parameters(given).flat())
    resume = environment.get("SWEEPD_RESUME_CHECKPOINT")
    maximum = environment.get("SWEEPD_MAX_STEP")
    return Facts(
        params=nested(values),
        seed=_integer(environment, "SWEEPD_SEED", 0),
        number=_integer(environment, "SWEEPD_TRIAL", 0),
        attempt=_integer(environment, "SWEEPD_ATTEMPT", 1),
        sweep=environment.get("SWEEPD_SWEEP"),
        metric=environment.get("SWEEPD_METRIC"),
        goal=environment.get("SWEEPD_GOAL", "minimize"),
        max_step=_integer(environment, "SWEEPD_MAX_STEP", 0) if maximum else None,
        checkpoint_folder=place_of(environment.get("SWEEPD_CHECKPOINT_DIR") or "checkpoints"),
        **resumed(resume),
        resume_step=_integer(environment, "SWEEPD_RESUME_STEP", 0) if resume else 0,
    )


def place_of(location: str) -> Path | str:
    """Return a Path for a folder, and the URI of anything else."""
    try:
        path = local_path(location)
    except ValueError:
        return Path(location)
    return location if path is None else Path(path)


def resumed(location: str | None) -> dict[str, Any]:
    """Return the facts about the checkpoint to go on from, if there is one."""
    if not location:
        return {}
    place = place_of(location)
    return {"checkpoint_uri": place} if isinstance(place, str) else {"checkpoint": place}


def _integer(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise RuntimeError(f"{name} must be a whole number, not {text!r}") from None
