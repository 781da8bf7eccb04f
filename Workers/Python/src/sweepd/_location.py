# SPDX-License-Identifier: MIT
"""Where checkpoints lie: in a folder, or in storage of the user's own that has a URI."""

from __future__ import annotations

import re

PATH_BYTES = 4096

_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):.", re.DOTALL).match
# RFC 8089: a host of a file's URI is this one, or none.
_this_host = re.compile(r"file:(?://(?:localhost)?)?(/(?!/).*)", re.DOTALL | re.IGNORECASE).fullmatch
_percent_encoded = re.compile(rb"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL).fullmatch


def local_path(location: str) -> str | None:
    """Return the absolute path that a location names, as it stands or as a `file:` URI; None for any other URI.

    Raises ValueError for what is neither, a relative path above all, and for a NUL.
    """
    if "\0" not in location:
        if location.startswith("/"):
            return location
        if _scheme(location):
            found = _this_host(location)
            return _decoded(found[1]) if found else None
    raise ValueError(f"must be an absolute path or a URI, not {location[:80]!r}")


def is_storage(location: object) -> bool:
    """Return whether it is a URI that names storage elsewhere, in a form that every reader takes for the same."""
    if not isinstance(location, str) or len(location.encode("utf-8", "replace")) > PATH_BYTES:
        return False
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in location):
        return False
    try:
        return local_path(location) is None and ".." not in location.split("/")
    except ValueError:
        return False


def _decoded(path: str) -> str:
    data = path.encode()
    if not _percent_encoded(data):
        raise ValueError(f"must be percent-encoded, not {path[:80]!r}")
    text = re.sub(rb"%(..)", lambda found: bytes([int(found[1], 16)]), data).decode()
    if "\0" in text:
        raise ValueError("must not have a NUL in it")
    return text
