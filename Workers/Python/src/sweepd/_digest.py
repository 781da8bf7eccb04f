# SPDX-License-Identifier: MIT
"""SHA-256 over a directory, the same in every language that follows these lines.

For each regular file, in the order of the bytes of its relative POSIX path: the path, a NUL, the size in decimal
digits, a NUL, the file's bytes. Directories count only through their files; anything but a regular file or a directory
is refused, because a digest could not vouch for it. No link is followed, not even one that takes a file's place while
the directory is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable

_CHUNK = 1 << 20
# Levels of folders: each costs a descriptor while it is looked through.
DEPTH = 128
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECTORY


class Interrupted(Exception):
    """Nobody waits for the digest any more."""


class NoCheckpoint(ValueError):
    """The directory holds what a checkpoint must not; `fault` says it without the directory's name."""

    def __init__(self, place: str, fault: str) -> None:
        """Name what is wrong and where."""
        super().__init__(f"a checkpoint holds files and folders only, but {place} is {fault}")
        self.place, self.fault = place, fault


class Changed(OSError):
    """A file was written to while it was read."""


def directory_digest(directory: str | os.PathLike[str]) -> tuple[str, int]:
    """Return the digest in hexadecimal, and the number of bytes in all files."""
    root = os.open(directory, _FOLDER & ~os.O_NOFOLLOW)
    try:
        return open_directory_digest(root, os.fsdecode(os.fspath(directory)))
    finally:
        os.close(root)


def open_directory_digest(root: int, shown: str, is_interrupted: Callable[[], bool] = lambda: False) -> tuple[str, int]:
    """Do the same for the directory behind a descriptor; it is called `shown`, and given up when that is asked for."""
    sha, total, buffer = hashlib.sha256(), 0, bytearray(_CHUNK)
    for path, size in sorted(_files(root, shown, is_interrupted)):
        if is_interrupted():
            raise Interrupted
        sha.update(b"%b\0%d\0" % (path, size))
        rest = size
        descriptor = _open(root, path)
        with open(descriptor, "rb", buffering=0) as file:
            is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            while is_plain and rest > 0:
                if is_interrupted():
                    raise Interrupted
                count = file.readinto(memoryview(buffer)[: min(rest, _CHUNK)])
                if not count:
                    break
                sha.update(memoryview(buffer)[:count])
                rest -= count
            if not is_plain or rest or file.read(1):
                raise Changed(f"{shown}/{os.fsdecode(path)} changed while it was read")
        total += size
    return sha.hexdigest(), total


def _files(
    folder: int, shown: str, is_interrupted: Callable[[], bool], prefix: bytes = b"", depth: int = 0
) -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_interrupted():
                raise Interrupted
            path = prefix + os.fsencode(entry.name)
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                found.append((path, status.st_size))
                continue
            place = f"{shown}/{os.fsdecode(path)}"
            if not stat.S_ISDIR(status.st_mode):
                raise NoCheckpoint(place, "neither")
            if depth == DEPTH:
                raise NoCheckpoint(place, f"more than {DEPTH} levels deep")
            below = os.open(entry.name, _FOLDER, dir_fd=folder)
            try:
                found.extend(_files(below, shown, is_interrupted, path + b"/", depth + 1))
            finally:
                os.close(below)
    return found


def _open(root: int, path: bytes) -> int:
    """Open a file below a directory, each folder on the way below the one before it."""
    *folders, name = path.split(b"/")
    folder = root
    try:
        for part in folders:
            below = os.open(part, _FOLDER, dir_fd=folder)
            if folder != root:
                os.close(folder)
            folder = below
        # Without waiting for the other end, should it be a pipe by now.
        return os.open(name, _FILE, dir_fd=folder)
    finally:
        if folder != root:
            os.close(folder)
