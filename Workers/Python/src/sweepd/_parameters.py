# SPDX-License-Identifier: MIT
"""A trial's parameters: nested, readable as attributes and as items, and how they are read from a command line."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any


class Parameters(dict):
    """A dict whose entries are attributes too; objects within it are `Parameters` as well.

    A parameter named like a method of dict (`items`, `keys`, …) is reached as an item.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        """Take the entries of `values`, and make every dict within them a `Parameters`."""
        super().__init__()
        for name, value in (values or {}).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        """Set an entry."""
        super().__setitem__(name, _wrapped(value))

    def __getattr__(self, name: str) -> Any:
        """Return the entry `name`."""
        try:
            return self[name]
        except KeyError:
            known = ", ".join(self) or "none"
            raise AttributeError(f"no parameter {name!r}; there are: {known}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an entry."""
        self[name] = value

    def flat(self) -> dict[str, Any]:
        """Return the parameters under their dotted names."""
        return dict(_flattened(self, ""))


def _wrapped(value: Any) -> Any:
    if isinstance(value, Parameters):
        return value
    if isinstance(value, Mapping):
        return Parameters(value)
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


def _flattened(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            pairs.extend(_flattened(value, f"{prefix}{name}."))
        else:
            pairs.append((prefix + name, value))
    return pairs


def nested(flat: Mapping[str, Any]) -> Parameters:
    """Return parameters with dotted names as nested ones: `{"optimizer.lr": 1}` is `{"optimizer": {"lr": 1}}`.

    A name that is both a value and a prefix of others keeps its dots.
    """
    result = Parameters()
    for name, value in flat.items():
        place: dict[str, Any] = result
        *folders, last = name.split(".") if "." in name else (name,)
        for folder in folders:
            inner = dict.setdefault(place, folder, Parameters()) if folder else None
            if not isinstance(inner, Parameters):
                place, last = result, name
                break
            place = inner
        place[last if last else name] = value
    return result


def from_arguments(arguments: Sequence[str], defaults: Mapping[str, Any] | None = None) -> Parameters:
    """Read `--lr=0.1`, `--lr 0.1`, `lr=0.1` and `--flag`; dots make nested parameters. Other words are not ours.

    Values are typed as JSON, else they are strings; one with a default takes the default's type where it can.
    """
    flat = dict(_flattened(defaults or {}, ""))
    position = 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        if word == "--":
            break
        name, equals, text = word.partition("=")
        is_option = name.startswith("--") and len(name) > 2
        name = name[2:] if is_option else name
        if not (is_option or equals) or not name or name.startswith("-"):
            continue
        if not equals and position < len(arguments) and _is_value(arguments[position]):
            text, equals = arguments[position], "="
            position += 1
        # Tools that write options with dashes mean the parameter with underscores, where there is one.
        if name not in flat and name.replace("-", "_") in flat:
            name = name.replace("-", "_")
        flat[name] = _typed(text, flat.get(name)) if equals else True
    return nested(flat)


def _is_value(word: str) -> bool:
    if not word.startswith("-"):
        return "=" not in word
    try:
        float(word)
    except ValueError:
        return False
    return True


def _typed(text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    value = _parsed(text)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, bool) and value in (0, 1):
        return bool(value)
    return value


def _parsed(text: str) -> Any:
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    try:
        return json.loads(text, parse_constant=float)
    except ValueError:
        pass
    if text[:1] in ("{", "["):  # `${args}` writes a block as Python does, like W&B: {'lr': 0.1, 'nesterov': True}
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    try:
        return float(text) if text[:1] in "+-.0123456789" else text
    except ValueError:
        return text
