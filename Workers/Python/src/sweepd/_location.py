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


class StoragePrefix:
    """A URI below which checkpoints may lie, as the worker's owner named it.

    Whoever reads a URI may decode it, may follow `..`, and may take a backslash for a slash: what could lead out of the
    prefix for any of them is not below it. A mirror of `Sources/WorkerProtocol/StoragePrefix.swift`.
    """

    def __init__(self, uri: str) -> None:
        """Raise ValueError for what has no hierarchy that something could lie below, and for a query or a fragment."""
        parts = _parts(uri)
        if parts is None:
            raise ValueError(f"must be a URI such as s3://bucket/runs without '..', a query or a fragment, not {uri!r}")
        self._root, names = parts
        # A slash at the end counts for nothing.
        while names and not names[-1]:
            names.pop()
        self._names = names

    def contains(self, location: str) -> bool:
        """Return whether the location lies below it, scheme and authority being the same to the letter."""
        parts = _parts(location)
        if parts is None:
            return False
        root, names = parts
        count = len(self._names)
        return root == self._root and names[:count] == self._names and any(names[count:])


_hierarchy = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:(?://[^/]*)?)((?:/.*)?)", re.DOTALL).fullmatch
_percent_byte = re.compile(rb"%([0-9A-Fa-f]{2})")


def _parts(uri: str) -> tuple[str, list[str]] | None:
    """Return scheme and authority, and the names from there on; None for what is no URI or might lead elsewhere."""
    found = _hierarchy(uri)
    # A query may name another server, and a backslash is a slash to some.
    if found is None or re.search(r"[\x00-\x1f\x7f?#\\]", uri) or _leads_up(found[2]):
        return None
    try:
        if local_path(uri) is not None:
            return None
    except ValueError:
        return None
    root, path = found[1], found[2]
    # `s3://` alone is no place.
    if not path and (root.endswith(":") or root.endswith("://")):
        return None
    return root, path[1:].split("/")


def _leads_up(path: str) -> bool:
    """Return whether it does for anybody, however often he decodes it."""
    data = path.encode("utf-8", "surrogatepass")
    # Nobody honest encodes so often.
    for _ in range(8):
        if any(name in (b".", b"..") for name in re.split(rb"[/\\]", data)):
            return True
        if re.search(rb"[\x00-\x1f\x7f]", data):
            return True
        decoded = _percent_byte.sub(lambda match: bytes([int(match[1], 16)]), data)
        if decoded == data:
            return False
        data = decoded
    return True


def _decoded(path: str) -> str:
    data = path.encode()
    if not _percent_encoded(data):
        raise ValueError(f"must be percent-encoded, not {path[:80]!r}")
    text = re.sub(rb"%(..)", lambda found: bytes([int(found[1], 16)]), data).decode()
    if "\0" in text:
        raise ValueError("must not have a NUL in it")
    return text
