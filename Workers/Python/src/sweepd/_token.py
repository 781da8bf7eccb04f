# SPDX-License-Identifier: MIT
"""An invitation: the one line that `sweepd invite` prints. It holds a secret, so no message here repeats any of it."""

from __future__ import annotations

import base64
import binascii
import re
import time
from typing import NamedTuple

from . import _keys

MOST_BYTES = 4096
PREFIX = "sweepd1."
_AGAIN = "ask for a new one (`sweepd invite`)"
_VERSION = "the invitation is of another version of sweepd: install the same release here"
_body = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_other_version = re.compile(r"sweepd[0-9]{1,9}\.").match


class InvitationError(ValueError):
    """The invitation cannot be used; the text says why, and what to do."""


class Token(NamedTuple):
    """Who is invited where; good for enrolling and nothing else."""

    role: str
    endpoints: tuple[str, ...]
    server: str
    secret: str
    expires: int

    def __repr__(self) -> str:
        """Name the endpoints only."""
        return f"Token({self.role}, {', '.join(self.endpoints)})"

    __str__ = __repr__


def parse(text: str, now: float | None = None) -> Token:
    """Read a token, white space around it aside; raise `InvitationError` where it cannot be used (any more)."""
    text = text.strip(" \t\r\n")
    if not text:
        raise InvitationError("there is no invitation: it is the line that `sweepd invite` prints")
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise InvitationError(f"an invitation has at most {MOST_BYTES} bytes, this is something else")
    if not text.startswith(PREFIX):
        if _other_version(text):
            raise InvitationError(_VERSION)
        raise InvitationError(f"this is no invitation: one begins with {PREFIX} (was all of the line copied?)")
    found, problem = _read(text[len(PREFIX) :])
    if found is None and problem == _VERSION:
        raise InvitationError(_VERSION)
    if found is None:
        raise InvitationError(f"the invitation is garbled: it {problem} (was all of the line copied?); {_AGAIN}")
    now = time.time() if now is None else now
    if now >= found.expires:
        raise InvitationError(f"the invitation expired at {_utc(found.expires)}; it is {_utc(now)}: {_AGAIN}")
    return found


def _read(body: str) -> tuple[Token | None, str]:
    """Return what is wrong instead of raising it: an exception would have one with the secret as its context."""
    data: bytes | None = None
    if _body(body) and len(body) % 4 != 1:
        try:
            data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            data = None
    if data is None:
        return None, "is not what base64url gives"
    try:
        found = _keys.members(data)
        version = _keys.whole(found, "v")
        if version != 1:
            return None, _VERSION
        role, endpoints, server, secret = _keys.checked(found)
        expires = _keys.whole(found, "expires")
    except _keys.Malformed as error:
        return None, str(error)
    if not 0 <= expires <= 1 << 53:
        return None, "has no time 'expires'"
    return Token(role, endpoints, server, secret, expires), ""


def _utc(seconds: float) -> str:
    # Years that the calendar does not have are told as they are.
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{int(seconds)} s after 1970"
