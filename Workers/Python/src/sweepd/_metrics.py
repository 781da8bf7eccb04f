# SPDX-License-Identifier: MIT
"""What may be reported: checked where it is reported, so that the traceback points at the line that did it."""

from __future__ import annotations

import math
import operator
import unicodedata
from collections.abc import Mapping
from typing import Any

# Integers up to here are exact in every JSON reader.
LARGEST_STEP = 2**53
LONGEST_NAME = 256
MOST_METRICS = 256


def checked_metrics(values: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics as floats, or raise a TypeError or ValueError that names the metric."""
    if values is None:
        metrics = named
    elif isinstance(values, Mapping):
        metrics = {**values, **named} if named else values
    else:
        raise TypeError(f"report() takes metrics as names or as one dict, not as {type(values).__name__}")
    if not metrics:
        raise ValueError("report() needs at least one metric: trial.report(step, loss=0.31)")
    if len(metrics) > MOST_METRICS:
        raise ValueError(f"a report may have {MOST_METRICS} metrics, this one has {len(metrics)}")
    return {_name(name): value if type(value) is float else _number(name, value) for name, value in metrics.items()}


def checked_step(step: Any) -> int:
    """Return the step as an int, or raise."""
    try:
        value = operator.index(step)
    except TypeError:
        raise TypeError(f"a step must be a whole number, not {step!r} ({type(step).__name__})") from None
    if isinstance(step, bool):
        raise TypeError(f"a step must be a whole number, not {step!r}")
    if not 0 <= value <= LARGEST_STEP:
        raise ValueError(f"a step must lie between 0 and 2^53, not {value}")
    return value


def encoded(value: float) -> float | str:
    """Return the metric as JSON can hold it: NaN and the infinities are strings."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a metric's name must be a string, not {name!r} ({type(name).__name__})")
    if 0 < len(name) <= LONGEST_NAME and name.isascii() and name.isprintable():
        return name
    size = len(name.encode("utf-8", "replace"))
    if not 0 < size <= LONGEST_NAME:
        raise ValueError(f"a metric's name must have 1 to {LONGEST_NAME} bytes, not {size}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValueError(f"a metric's name must have no control characters: {name!r}")
    return name


def _number(name: str, value: Any) -> float:
    kind = type(value).__name__
    if isinstance(value, (str, bytes, complex)):
        raise TypeError(f"metric {name!r} must be a real number, not {value!r} ({kind})")
    # numpy scalars, 0-dimensional arrays and tensors, whatever device they lie on.
    item = getattr(value, "item", None)
    if callable(item):
        try:
            value = item()
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(f"metric {name!r} must be one real number, not a {kind} of several") from None
        if isinstance(value, complex):
            raise TypeError(f"metric {name!r} must be a real number, not {value!r} ({kind})")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        raise TypeError(f"metric {name!r} must be a real number, not {value!r} ({kind})") from None
