# SPDX-License-Identifier: MIT
"""What a coordinator on another machine may have this worker read and write: whoever takes it over has not got us too.

A mirror of the native worker's `LeasePolicy`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ._location import StoragePrefix, local_path
from ._wire import Lease


def places(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> tuple[Path | StoragePrefix, ...]:
    """Return the folders, and the URIs of storage, that an owner names; raise ValueError for what is neither."""
    # A single one would be taken for its letters, the first of which may be a slash.
    several: Iterable[str | os.PathLike[str]] = (given,) if isinstance(given, (str, os.PathLike)) else given
    return tuple(_place(os.fspath(place)) for place in several)


def _place(given: str) -> Path | StoragePrefix:
    try:
        path = local_path(given)
    except ValueError:
        # A relative path: the owner has named it.
        return Path(given).absolute()
    return StoragePrefix(given) if path is None else Path(path)


class Reach:
    """The worker's own attempts, and the places that its owner named besides."""

    def __init__(self, attempts: Path, named: tuple[Path | StoragePrefix, ...]) -> None:
        """Allow these."""
        self._folders = (attempts, *(place for place in named if isinstance(place, Path)))
        self._prefixes = tuple(place for place in named if isinstance(place, StoragePrefix))

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
        """Return whether the location lies below what is allowed.

        A URI is handed to the function, which opens it with the user's credentials: it must lie below one of theirs.
        """
        path = local_path(location)
        if path is None:
            return any(prefix.contains(location) for prefix in self._prefixes)
        return any(_contains(root, path) for root in self._folders)


def _contains(root: Path, path: str) -> bool:
    """Return whether the path lies below the root, links followed as far as they lead."""
    if any(part in (".", "..") for part in path.split("/")):
        return False
    base = os.path.realpath(root)
    return os.path.realpath(path).startswith(base.rstrip("/") + "/")
