# SPDX-License-Identifier: MIT
"""SHA-256 over a directory, the same in every language that follows these lines.

For each regular file, in the order of the bytes of its relative POSIX path: the path, a NUL, the size in decimal
digits, a NUL, the file's bytes. Directories count only through their files; anything but a regular file or a directory
is refused, because a digest could not vouch for it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

_CHUNK = 1 << 20


def directory_digest(directory: str | os.PathLike[str]) -> tuple[str, int]:
    """Return the digest in hexadecimal, and the number of bytes in all files."""
    root = os.fsencode(os.fspath(directory))
    sha, total, buffer = hashlib.sha256(), 0, bytearray(_CHUNK)
    for path, size in sorted(_files(root)):
        sha.update(b"%b\0%d\0" % (path, size))
        rest = size
        with open(os.path.join(root, path), "rb", buffering=0) as file:
            while rest > 0:
                count = file.readinto(memoryview(buffer)[: min(rest, _CHUNK)])
                if not count:
                    break
                sha.update(memoryview(buffer)[:count])
                rest -= count
            if rest or file.read(1):
                raise OSError(f"{os.fsdecode(os.path.join(root, path))} changed while it was read")
        total += size
    return sha.hexdigest(), total


def _files(root: bytes, folder: bytes = b"") -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []
    with os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            path = os.path.join(folder, entry.name) if folder else entry.name
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                found.extend(_files(root, path))
            elif stat.S_ISREG(mode):
                found.append((path, entry.stat(follow_symlinks=False).st_size))
            else:
                place = Path(os.fsdecode(os.path.join(root, path)))
                raise ValueError(f"a checkpoint holds files and folders only, but {place} is neither")
    return found
