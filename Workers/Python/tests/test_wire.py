# SPDX-License-Identifier: MIT
"""Messages against the vectors that bind every worker, in any language."""

from __future__ import annotations

import json
import struct

import pytest

from sweepd import _wire as wire


def test_the_digest_tells_values_apart_that_a_reader_may_confuse():
    values = [1, 1.0, True, "1", None, [1], {"a": 1}, 0.1, 0.1 + 2**-55, -0.0, 0, 0.0]
    digests = {wire.parameters_digest({"x": value}) for value in values}
    assert len(digests) == len(values)


def test_the_digest_does_not_depend_on_the_order_of_names():
    assert wire.parameters_digest({"a": 1, "b": {"c": 1, "d": 2}}) == wire.parameters_digest(
        {"b": {"d": 2, "c": 1}, "a": 1}
    )


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"{}"],
        [b"sweepd/2", b'{"t":"ack"}'],
        [wire.MAGIC, b"{}"],
        [wire.MAGIC, b"[]"],
        [wire.MAGIC, b"\xff"],
        [wire.MAGIC, b'{"t":1}'],
        [wire.MAGIC, b'{"t":"ack","x":NaN}'],
        [wire.MAGIC, b"[" * 100_000],
        [wire.MAGIC, b'{"t":"ack"}', b""],
    ],
)
def test_what_is_no_message_is_refused(frames):
    with pytest.raises(wire.WireError):
        wire.decode(frames)


def test_large_integers_travel_as_strings():
    event = json.loads(wire.event(2**60, 1, wire.started(None)))
    assert event["fence"] == str(2**60)
    assert json.loads(wire.accept("s", 1, 2**53, "d"))["fence"] == 2**53


def test_numbers_keep_every_digit():
    metrics = {"a": 0.1 + 2**-55, "b": 5e-324, "c": -1.7976931348623157e308, "d": -0.0}
    back = json.loads("{" + wire.report(1, metrics) + "}")["metrics"]
    assert {name: struct.pack("d", value) for name, value in back.items()} == {
        name: struct.pack("d", value) for name, value in metrics.items()
    }
