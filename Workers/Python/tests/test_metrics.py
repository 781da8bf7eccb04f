# SPDX-License-Identifier: MIT
from __future__ import annotations

import math
from fractions import Fraction

import pytest

from sweepd._metrics import checked_metrics, checked_step, encoded


class Tensor:
    """A 0-dimensional tensor, as torch has it."""

    def __init__(self, value):
        self.value = value

    def item(self):
        if isinstance(self.value, list):
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.value


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1.0), (0.5, 0.5), (True, 1.0), (Tensor(0.25), 0.25), (Fraction(1, 4), 0.25), (10**400, math.inf)],
)
def test_numbers(value, expected):
    result = checked_metrics(None, {"loss": value})["loss"]
    assert result == expected
    assert type(result) is float


@pytest.mark.parametrize("value", ["0.5", None, [1.0], 1j, Tensor([1, 2]), Tensor(1j), b"1", {}, object()])
def test_what_is_no_number_names_the_metric(value):
    with pytest.raises(TypeError, match="'val/loss'"):
        checked_metrics({"val/loss": value}, {})


def test_numpy():
    numpy = pytest.importorskip("numpy")
    values = {"a": numpy.float32(0.5), "b": numpy.array(2), "c": numpy.int64(3), "d": numpy.array([4.0])}
    assert checked_metrics(values, {}) == {"a": 0.5, "b": 2.0, "c": 3.0, "d": 4.0}
    with pytest.raises(TypeError, match="'e'"):
        checked_metrics({"e": numpy.zeros(2)}, {})
    assert checked_step(numpy.int64(3)) == 3


def test_names_and_shapes():
    assert checked_metrics({"a": 1}, {"b": 2}) == {"a": 1.0, "b": 2.0}
    for wrong in ({"": 1}, {"x" * 257: 1}, {"ä" * 129: 1}, {"a\nb": 1}, {str(n): 1 for n in range(257)}, {}):
        with pytest.raises(ValueError, match="metric"):
            checked_metrics(wrong, {})
    for wrong in ([1], 3, {1: 2}):
        with pytest.raises(TypeError):
            checked_metrics(wrong, {})


@pytest.mark.parametrize("step", [1.0, "1", True, None, [1]])
def test_steps_are_whole(step):
    with pytest.raises(TypeError, match="whole number"):
        checked_step(step)


@pytest.mark.parametrize("step", [-1, 2**53 + 1])
def test_steps_have_a_range(step):
    with pytest.raises(ValueError, match="between"):
        checked_step(step)


def test_encoding():
    assert [encoded(v) for v in (1.5, math.nan, math.inf, -math.inf)] == [1.5, "NaN", "Infinity", "-Infinity"]
