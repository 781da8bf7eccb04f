# SPDX-License-Identifier: MIT
"""What a token and a connection file have in common: keys and endpoints, and how a JSON object of ours is read."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

ROLES = ("worker", "operator")
MOST_ENDPOINTS = 8
# Z85: five characters make four bytes.
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_KEY_CHARACTERS = 40
_endpoint = re.compile(r"tcp://(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>[0-9]{1,5})").fullmatch


class Malformed(ValueError):
    """Something in it is missing or not as it should be; the text names the member and never its value."""


def is_key(text: Any) -> bool:
    """Return whether it is the Z85 text of a key's 32 bytes."""
    if not isinstance(text, str) or len(text) != _KEY_CHARACTERS or any(c not in _DIGITS for c in text):
        return False
    for start in range(0, _KEY_CHARACTERS, 5):
        value = 0
        for character in text[start : start + 5]:
            value = value * 85 + _DIGITS[character]
        if value >= 1 << 32:
            return False
    return True


def is_endpoint(text: Any) -> bool:
    """Return whether it is `tcp://host:port`: a name, an IPv4 address, or an IPv6 address in brackets."""
    match = _endpoint(text) if isinstance(text, str) else None
    return match is not None and 1 <= int(match["port"]) <= 65535


def members(data: bytes) -> dict[str, Any]:
    """Read a JSON object; what is wrong with it is told without quoting it."""
    result: Any = None
    # Nothing is raised on account of these: they hold the whole text.
    with contextlib.suppress(ValueError, RecursionError):
        result = json.loads(data.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_constant)
    if not isinstance(result, dict):
        raise Malformed("is no JSON object")
    return result


def checked(found: dict[str, Any]) -> tuple[str, tuple[str, ...], str, str]:
    """Return role, endpoints, the server's key and the secret one."""
    role, endpoints = found.get("role"), found.get("endpoints")
    if role not in ROLES:
        raise Malformed('has no role "worker" or "operator"')
    if not isinstance(endpoints, list) or not endpoints:
        raise Malformed("has no list of endpoints")
    if len(endpoints) > MOST_ENDPOINTS:
        raise Malformed(f"has {len(endpoints)} endpoints; {MOST_ENDPOINTS} are the most")
    if not all(map(is_endpoint, endpoints)):
        raise Malformed("has an endpoint that is not tcp://host:port")
    for name in ("server", "secret"):
        if not is_key(found.get(name)):
            raise Malformed(f"has no key '{name}' of {_KEY_CHARACTERS} Z85 characters")
    return role, tuple(endpoints), found["server"], found["secret"]


def whole(found: dict[str, Any], name: str) -> int:
    """Return a member that is a whole number."""
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"has no whole number '{name}'")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _no_constant(name: str) -> Any:
    raise ValueError
