# SPDX-License-Identifier: MIT
"""The attacks of the threat model, against a real daemon: `pytest Tests/Attacks`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Campaigns/Fuzz")]

from daemon import BINARY, Daemon  # noqa: E402


def pytest_configure() -> None:
    """Say what is missing before anything is tried."""
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is not built: swift build, or set SWEEPD_BINARY")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: the path of a socket has 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="atk-"))
    yield path
    for place in [path, *path.rglob("*")]:
        if place.is_dir() and not place.is_symlink():
            place.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make(folder: Path) -> Iterator[Callable[..., Daemon]]:
    """Make daemons that end with the test."""
    made: list[Daemon] = []

    def one(*options: str, **more: Any) -> Daemon:
        place = folder / f"d{len(made)}"
        place.mkdir()
        made.append(Daemon(place, *options, **more))
        return made[-1]

    yield one
    for each in made:
        each.stop()


@pytest.fixture
def daemon(make: Callable[..., Daemon]) -> Iterator[Daemon]:
    """One that listens; that it has survived the test is part of every test."""
    one = make().start()
    yield one
    assert one.is_alive, f"the daemon ended: {one.log()}"
