# SPDX-License-Identifier: MIT
"""What a coordinator on another machine may have this worker read and write: whoever takes it over has not got us too.

A mirror of the native worker's `LeasePolicy`.
"""

from __future__ import annotations

import os
from pathlib import Path

from ._location import local_path
from ._wire import Lease


class Reach:
    """The worker's own attempts, and the folders that its owner named besides."""

    def __init__(self, attempts: Path, roots: tuple[Path, ...]) -> None:
        """Allow these."""
        self._attempts, self._roots = attempts, roots

    def admitted(self, lease: Lease) -> tuple[Lease, list[str]]:
        """Return the lease as it is carried out here, and what of it is not."""
        warnings = []
        # Where the coordinator's attempts lie says nothing about this machine.
        lease = lease._replace(attempt_directory="")
        place = lease.checkpoint_directory
        if place and not self.has(place):
            warnings.append(
                f"checkpoints stay on this worker: it may not write to {place[:200]} (allow it with checkpoints=)"
            )
            lease = lease._replace(checkpoint_directory="")
        offered = [lease.resume, *lease.fallbacks] if lease.resume else []
        reachable = [checkpoint for checkpoint in offered if self.has(checkpoint.location)]
        if len(reachable) < len(offered):
            warnings.append(
                f"{len(offered) - len(reachable)} checkpoints of earlier attempts cannot be reached from this worker: "
                "they lie on another one, or outside of what checkpoints= allows"
            )
        return lease._replace(resume=reachable[0] if reachable else None, fallbacks=reachable[1:]), warnings

    def has(self, location: str) -> bool:
        """Return whether the location is allowed; a URI is where the owner named any place at all."""
        path = local_path(location)
        if path is None:
            return bool(self._roots)
        return any(_contains(root, path) for root in (self._attempts, *self._roots))


def _contains(root: Path, path: str) -> bool:
    """Return whether the path lies below the root, links followed as far as they lead."""
    if any(part in (".", "..") for part in path.split("/")):
        return False
    base = os.path.realpath(root)
    return os.path.realpath(path).startswith(base.rstrip("/") + "/")
