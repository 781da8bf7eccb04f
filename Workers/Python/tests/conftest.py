# SPDX-License-Identifier: MIT
from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_coordinator import FakeCoordinator


@pytest.fixture(autouse=True)
def outside_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may themselves run inside something that sets these."""
    import os

    for name in list(os.environ):
        if name.startswith("SWEEPD_"):
            monkeypatch.delenv(name)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name: 107 bytes is all there is."""
    folder = Path(tempfile.mkdtemp(prefix="sweepd-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeCoordinator]]:
    """Return what starts a coordinator; all are stopped, and their complaints raised, at the end."""
    started: list[FakeCoordinator] = []

    def make(endpoint: str, trials: int, **options) -> FakeCoordinator:
        coordinator = FakeCoordinator(endpoint, trials, **options)
        started.append(coordinator)
        coordinator.start()
        # Else the worker's first try finds nobody, and half a second passes until the next.
        assert coordinator.bound.wait(10)
        return coordinator

    yield make
    for coordinator in started:
        coordinator.stop()
