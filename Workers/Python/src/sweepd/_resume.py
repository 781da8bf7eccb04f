# SPDX-License-Identifier: MIT
"""Which checkpoint an attempt goes on from: the newest that is what it was when it was reported.

A mirror of `Sources/WorkerAgent/Checkpoints/ResumeChoice.swift`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable

from . import _digest as digests
from ._location import local_path
from ._wire import Checkpoint

_ADVICE = (
    "which this machine can't reach: put checkpoints on a path that all workers share (checkpoints: {path: …} in the "
    "sweep file)"
)


class _OutOfReach(Exception):
    """Not even the folder it should lie in is there."""


class _Unusable(Exception):
    """It is no checkpoint, or not the one that was reported."""


def choose(
    candidates: Iterable[Checkpoint], is_interrupted: Callable[[], bool] = lambda: False
) -> tuple[Checkpoint | None, list[str]]:
    """Return the first that can be used, None where the trial starts from the beginning, and what to tell the user.

    Reads the checkpoints' files, so it may take as long as reading them takes; raises `Interrupted` when that is asked
    for meanwhile. The location returned is a path of this machine, or a URI that nobody checked.
    """
    faults: list[str] = []
    chosen = None
    elsewhere = _ADVICE
    for candidate in candidates:
        name = f"the checkpoint of step {candidate.step}"
        try:
            chosen = candidate._replace(location=_examined(candidate, is_interrupted))
            break
        except _OutOfReach as place:
            faults.append(f"{name} lies at {place}, {elsewhere}")
            # Once is enough: the others most often lie beside it.
            elsewhere = "which this machine can't reach either"
        except _Unusable as fault:
            faults.append(f"{name} {fault}")
    end = f"going on from the one of step {chosen.step}" if chosen else "the trial starts from the beginning"
    return chosen, [f"{fault}; {end}" for fault in faults]


def _examined(checkpoint: Checkpoint, is_interrupted: Callable[[], bool]) -> str:
    """Return where to read it."""
    if is_interrupted():
        raise digests.Interrupted
    path = local_path(checkpoint.location)
    if path is None:
        return checkpoint.location
    # A link behind a slash is followed, the same link without it is seen.
    path = path.rstrip("/") or "/"
    place = _shown(path)
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.isdir(os.path.dirname(path)):
            raise _Unusable(f"at {place} is missing") from error
        reason = "" if error.errno in (errno.ENOENT, errno.ENOTDIR) else f" ({error.strerror})"
        raise _OutOfReach(place + reason) from error
    if not stat.S_ISDIR(mode):
        raise _Unusable(f"at {place} is {'a link' if stat.S_ISLNK(mode) else 'a file'}, and no folder")
    try:
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.scandir(root).close()
            if not os.access(path, os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            if not checkpoint.digest:
                return path
            digest, _ = digests.open_directory_digest(root, path, is_interrupted)
        finally:
            os.close(root)
    except digests.Changed as error:
        raise _Unusable(f"at {place} is damaged (a file changed while it was read)") from error
    except OSError as error:
        raise _Unusable(f"at {place} cannot be read ({error.strerror})") from error
    except digests.NoCheckpoint as error:
        fault = "neither a file nor a folder" if error.fault == "neither" else error.fault
        raise _Unusable(f"at {place} is damaged ('{_shown(error.place[len(path) + 1 :], 60)}': {fault})") from error
    if digest != checkpoint.digest.lower():
        raise _Unusable(f"at {place} is damaged (its digest differs)")
    return path


def _shown(path: str, limit: int = 200) -> str:
    """Return the end of it: a warning holds 500 characters, a path thousands."""
    text = path.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else f"…{text[-limit:]}"
