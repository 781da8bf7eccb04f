# SPDX-License-Identifier: MIT
from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


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
