# SPDX-License-Identifier: MIT
"""The Python client of sweepd.

`sweepd.trial()` is for a training script that a worker starts; it needs the standard library alone.
`sweepd.worker(function)` attaches this Python process itself, over ZeroMQ; it needs pyzmq.
"""

from __future__ import annotations

from typing import Any

from ._parameters import Parameters
from ._trial import Trial, TrialStopped, trial
from ._version import VERSION as __version__

__all__ = [
    "Parameters",
    "ResultsLost",
    "Trial",
    "TrialStopped",
    "WorkerRefused",
    "__version__",
    "digest",
    "trial",
    "worker",
]


def __getattr__(name: str) -> Any:
    """Load the parts that most scripts do without when they are first asked for: they cost start-up time."""
    if name in ("worker", "WorkerRefused", "ResultsLost"):
        from . import _worker

        return getattr(_worker, name)
    if name == "digest":
        from ._digest import directory_digest

        return directory_digest
    raise AttributeError(f"module 'sweepd' has no attribute {name!r}")
