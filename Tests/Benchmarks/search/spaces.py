# SPDX-License-Identifier: MIT
"""Search spaces in the form that `sweepd optimize --stdio` reads: short constructors, and which parameters are active."""
from __future__ import annotations

import math


def real(name: str, low: float, high: float, log: bool = False, when: tuple[str, list] | None = None) -> dict:
    return _entry({"name": name, "type": "float", "low": low, "high": high}, log, when)


def integer(name: str, low: int, high: int, log: bool = False, step: int = 1,
            when: tuple[str, list] | None = None) -> dict:
    entry = {"name": name, "type": "int", "low": low, "high": high}
    if step != 1:
        entry["step"] = step
    return _entry(entry, log, when)


def choice(name: str, choices: list, when: tuple[str, list] | None = None) -> dict:
    return _entry({"name": name, "type": "categorical", "choices": choices}, False, when)


def _entry(entry: dict, log: bool, when: tuple[str, list] | None) -> dict:
    if log:
        entry["log"] = True
    if when:
        entry["condition"] = {"param": when[0], "in": when[1]}
    return entry


def active(space: list[dict], params: dict) -> dict:
    """The parameters of a flat configuration whose conditions hold; a parent comes before its children in a space."""
    kept = {}
    for entry in space:
        condition = entry.get("condition")
        if condition is None or kept.get(condition["param"]) in condition["in"]:
            kept[entry["name"]] = params[entry["name"]]
    return kept


def levels(entry: dict) -> list[int]:
    """All values of an integer parameter."""
    return list(range(entry["low"], entry["high"] + 1, entry.get("step", 1)))


def to_unit(entry: dict, value: float) -> float:
    low, high = entry["low"], entry["high"]
    if entry.get("log"):
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def from_unit(entry: dict, unit: float) -> float | int:
    low, high = entry["low"], entry["high"]
    if entry.get("log"):
        value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    else:
        value = low + unit * (high - low)
    if entry["type"] == "int":
        step = entry.get("step", 1)
        value = low + round((value - low) / step) * step
    return min(max(value, low), high)


def check(space: list[dict], params: dict) -> None:
    """Raise ValueError where a proposed configuration is not one of the space: no optimiser wins by leaving it."""
    names = [entry["name"] for entry in space]
    complete = {name: params.get(name) for name in names}
    wanted = active(space, complete)
    if set(params) != set(wanted):
        raise ValueError(f"active are {sorted(wanted)}, proposed were {sorted(params)}")
    for entry in space:
        if entry["name"] not in params:
            continue
        value = params[entry["name"]]
        if entry["type"] == "categorical":
            good = value in entry["choices"]
        elif entry["type"] == "int":
            good = isinstance(value, int) and value in levels(entry)
        else:
            good = entry["low"] <= value <= entry["high"]
        if not good:
            raise ValueError(f"{entry['name']} = {value!r} is outside of {entry}")
