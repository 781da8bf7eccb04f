# SPDX-License-Identifier: MIT
"""A checkpoint is written under a temporary name, made durable, digested, and only then given its name.

So a directory called `step-<n>` is a complete checkpoint, whatever was killed and when; and it stays what it was when
its digest was told: another one of the same step gets a name of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from ._digest import directory_digest

_count = itertools.count(1)


class Saved(NamedTuple):
    """A complete checkpoint, as it is told to the worker."""

    step: int
    # An absolute path, or a URI.
    location: str
    sha256: str
    bytes: int


def prepare(folder: Path, step: int) -> Path:
    """Make the temporary directory for the checkpoint of `step`."""
    folder = _plain(folder)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".step-{step}.{os.getpid()}-{next(_count)}.part"
    # Left by a process of the same number, in a container say.
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    return temporary


def publish(temporary: Path, folder: Path, step: int) -> Saved:
    """Make the files durable and give the directory its name: `step-<n>`, or where that is taken `step-<n>-2`, ….

    Whoever was told of the earlier one may go on from it until it has been told of this one.
    """
    for root, _, files in os.walk(temporary, topdown=False):
        for name in files:
            _sync(os.path.join(root, name))
        _sync(root)
    digest, size = directory_digest(temporary)
    folder = _plain(folder)
    for number in itertools.count(1):
        final = folder / (f"step-{step}" if number == 1 else f"step-{step}-{number}")
        if os.path.lexists(final):
            continue
        try:
            temporary.rename(final)
            break
        except OSError:
            # Another process may have been quicker.
            if not os.path.lexists(final):
                raise
    _sync(folder)
    return Saved(step, str(final), digest, size)


def supersede(saved: Saved) -> Saved:
    """Remove the others of the same step, for a folder that nobody else reads, and return it under the plain name.

    At any time at least one complete checkpoint of the step has a name that says so.
    """
    final = Path(saved.location)
    plain = final.with_name(f"step-{saved.step}")
    named = re.compile(rf"{plain.name}(-[0-9]+)?").fullmatch
    for other in list(final.parent.iterdir()):
        if other != final and named(other.name) and other.is_dir() and not other.is_symlink():
            # Under another name first: half of it must not look like a whole one.
            old = other.with_name(f".{other.name}.{os.getpid()}-{next(_count)}.old")
            with contextlib.suppress(OSError):
                other.rename(old)
                shutil.rmtree(old, ignore_errors=True)
    if not os.path.lexists(plain):
        final = final.rename(plain)
    return saved._replace(location=str(final))


def discard(temporary: Path) -> None:
    """Remove what an exception left."""
    shutil.rmtree(temporary, ignore_errors=True)


def _plain(folder: Path) -> Path:
    """Make it absolute, and free of `..`: what a location names must not depend on links on the way."""
    return Path(os.path.realpath(folder)) if ".." in folder.parts else folder.absolute()


def _sync(path: str | os.PathLike[str]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
