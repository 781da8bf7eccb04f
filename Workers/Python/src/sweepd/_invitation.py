# SPDX-License-Identifier: MIT
"""Where an invitation comes from, and what is made of it. Never from an argument: those are for all to see in `ps`."""

from __future__ import annotations

import getpass
import os
import re
import socket
import stat
import sys
from pathlib import Path

from . import _connection, _curve, _enrol, _token
from ._connection import Connection
from ._token import InvitationError

_VARIABLE = "SWEEPD_JOIN"


def read(source: str | os.PathLike[str]) -> str:
    """Return the text: of standard input where the source is "-", else of the file of that name."""
    name = os.fspath(source)
    if name == "-":
        if sys.stdin.isatty():
            return getpass.getpass("invitation (the line of `sweepd invite`): ")
        # One line: the rest may be somebody else's.
        return sys.stdin.readline(_token.MOST_BYTES + 1)
    if name.strip().startswith(_token.PREFIX):
        raise InvitationError(
            'an invitation is a secret and must not stand in a program or its arguments: give join="-" and write it to '
            f"standard input, or name a file that only you may read, or set {_VARIABLE}"
        )
    try:
        with open(name, encoding="utf-8", errors="replace") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
                raise InvitationError(f"the invitation in {name} may be read by others: chmod 600 it")
            return file.readline(_token.MOST_BYTES + 1)
    except OSError as error:
        raise InvitationError(f"the file {name} with the invitation cannot be read: {error.strerror}") from None


def from_environment() -> str:
    """Take the invitation out of the environment, so that no process started from here inherits it."""
    return os.environ.pop(_VARIABLE, "")


def accepted(text: str, file: Path) -> Connection:
    """Enrol this machine, and keep what comes of it in the file."""
    token = _token.parse(text)
    if token.role != "worker":
        raise InvitationError(f"this is an invitation for an {token.role}; `sweepd invite` prints those for workers")
    _curve.require()
    # Before the invitation is used: what could not be kept would be lost.
    _connection.prepare(file)
    connection = _enrol.enrol(token, _wish())
    _connection.write(file, connection)
    print(f"sweepd: enrolled as '{connection.name}'; the key is in {file}", file=sys.stderr, flush=True)
    return connection


def _wish() -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname())[:64]
    return name or "worker"
