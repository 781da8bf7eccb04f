# SPDX-License-Identifier: MIT
"""What an enrolment leaves behind: a file that only its owner may read, with the key this machine is known by."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

from . import _keys

VERSION = 1
_MOST_BYTES = 1 << 16
_name = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


class ConnectionFileError(ValueError):
    """The file cannot be used; the text says why, and what to do."""


class Connection(NamedTuple):
    """Where the coordinator is, which key it has, and which one we have."""

    role: str
    name: str
    endpoints: tuple[str, ...]
    server: str
    secret: str

    def __repr__(self) -> str:
        """Name the endpoints only."""
        return f"Connection({self.role} {self.name}, {', '.join(self.endpoints)})"

    __str__ = __repr__


def default_path(role: str = "worker") -> Path:
    """Return where the connection file of this user lies."""
    configuration = os.environ.get("XDG_CONFIG_HOME") or ""
    # A relative one counts as none.
    folder = Path(configuration) if configuration.startswith("/") else Path.home() / ".config"
    return folder / "sweepd" / f"{role}.json"


def is_name(text: object) -> bool:
    """Return whether a worker may be called so."""
    return isinstance(text, str) and _name(text) is not None


def read(path: str | os.PathLike[str]) -> Connection:
    """Read a connection file; one that others may read, that is a link or not ours is refused."""
    shown = os.fspath(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise ConnectionFileError(
            f"there is no connection file {shown}: this machine is not enrolled; run `sweepd invite` where the "
            "coordinator is, and give its line to this worker (join='-' or SWEEPD_JOIN)"
        ) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConnectionFileError(f"the connection file {shown} is a symbolic link; it must be a file") from None
        raise ConnectionFileError(f"the connection file {shown} cannot be read: {error.strerror}") from None
    try:
        _check(os.fstat(descriptor), shown)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(_MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        if len(data) > _MOST_BYTES:
            raise _keys.Malformed(f"has more than {_MOST_BYTES} bytes")
        found = _keys.members(data)
        if _keys.whole(found, "version") != VERSION:
            raise _keys.Malformed("is of another version of sweepd")
        role, endpoints, server, secret = _keys.checked(found)
        if not is_name(found.get("name")):
            raise _keys.Malformed("has no name of letters, digits, '.', '_' and '-'")
        return Connection(role, found["name"], endpoints, server, secret)
    except _keys.Malformed as error:
        raise ConnectionFileError(f"the connection file {shown} {error}; enrol anew (`sweepd invite`)") from None


def write(path: str | os.PathLike[str], connection: Connection) -> None:
    """Put it where nobody but its owner ever sees it, whole or not at all."""
    place = prepare(path)
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(8)}.part")
    text = json.dumps({"version": VERSION, **connection._asdict()}, indent=1) + "\n"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check(status: os.stat_result, shown: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConnectionFileError(f"the connection file {shown} is no regular file")
    if status.st_uid != os.geteuid():
        raise ConnectionFileError(f"the connection file {shown} belongs to another user")
    if status.st_mode & 0o077:
        raise ConnectionFileError(
            f"the connection file {shown} may be read or written by others (mode {stat.S_IMODE(status.st_mode):o}) and "
            "holds a secret: chmod 600 it, and should others have read it, enrol anew"
        )


def prepare(path: str | os.PathLike[str]) -> Path:
    """Make the folder that the file belongs into, and see that it can be written there; return the absolute path."""
    place = Path(path).absolute()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.stat(place.parent)
    except OSError as error:
        raise ConnectionFileError(f"the folder {place.parent} cannot be made: {error.strerror}") from None
    is_ours = status.st_uid in (os.geteuid(), 0)
    if not is_ours or (status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX):
        raise ConnectionFileError(f"the folder {place.parent} may be written to by others; choose another, of mode 700")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise ConnectionFileError(f"the folder {place.parent} cannot be written to; name another file with connection=")
    if place.is_dir():
        raise ConnectionFileError(f"{place} is a folder; a connection file is wanted")
    return place
