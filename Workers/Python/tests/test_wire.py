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


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        # Computed by the coordinator's own codec.
        ("{}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            '{"lr":0.1,"units":64,"activation":"relu"}',
            "62fb70171dc7fc203f87a957714463e976b6c5324d484a1bfa124182bddca40a",
        ),
        (
            '{"a":1,"b":1.0,"c":true,"d":null,"e":[1,[2.5]],"f":{"y":1,"x":"\\u00e9\\n\\"\\u0001"}}',
            "cbcf8507155a5b5187e60251f51ca49694ef12a0285f2b4a3cab201f1a8a23b7",
        ),
        (
            '{"big":9223372036854775808,"small":-9223372036854775808,"zero":-0.0}',
            "cdab9e0a75ea27ffc03d2a176da812f5bdb3d9897a4b2564b273f73be77a7765",
        ),
        ('{"\\ud83d\\ude00":1,"\\uffff":2}', "0a55192fcb09886adc4a4158e1f8972bf81aefde4a0bdc474fa5206e8a70f643"),
    ],
)
def test_digests(text, digest):
    assert wire.parameters_digest(json.loads(text)) == digest


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
