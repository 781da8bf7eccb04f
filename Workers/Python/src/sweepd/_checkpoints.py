# SPDX-License-Identifier: MIT
"""A checkpoint is written under a temporary name, made durable, digested, and only then given its name.

So a directory called `step-<n>` is a complete checkpoint, whatever was killed and when.
"""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from ._digest import directory_digest

_count = itertools.count(1)


class Saved(NamedTuple):
    """A complete checkpoint, as it is told to the worker."""

    step: int
    path: Path
    sha256: str
    bytes: int


def prepare(folder: Path, step: int) -> Path:
    """Make the temporary directory for the checkpoint of `step`."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder.absolute() / f".step-{step}.{os.getpid()}-{next(_count)}.part"
    # Left by a process of the same number, in a container say.
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    return temporary


def publish(temporary: Path, folder: Path, step: int) -> Saved:
    """Make the files durable and give the directory its name; one of the same step is replaced."""
    for root, _, files in os.walk(temporary, topdown=False):
        for name in files:
            _sync(os.path.join(root, name))
        _sync(root)
    digest, size = directory_digest(temporary)
    final = folder.absolute() / f"step-{step}"
    if final.exists():
        old = temporary.with_suffix(".old")
        final.rename(old)
        temporary.rename(final)
        shutil.rmtree(old, ignore_errors=True)
    else:
        temporary.rename(final)
    _sync(folder)
    return Saved(step, final, digest, size)


def discard(temporary: Path) -> None:
    """Remove what an exception left."""
    shutil.rmtree(temporary, ignore_errors=True)


def _sync(path: str | os.PathLike[str]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
