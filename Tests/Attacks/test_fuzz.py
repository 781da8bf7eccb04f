# SPDX-License-Identifier: MIT
"""A bounded part of `make fuzz`: the same rounds, short."""

from __future__ import annotations

import time

import campaign
import pytest


@pytest.mark.parametrize(("kind", "count"), [("connections", 3000), ("lawless", 3000)])
def test_a_round(kind: str, count: int) -> None:
    seed = int(time.time()) % 100_000 + 1_000
    print(f"seed {seed}")
    figures = campaign.one_round(kind, seed, count)
    print({name: round(value, 3) for name, value in figures.items()})
    # Machines that run tests are busy; the campaign itself tells when it is more than a second.
    assert figures["slowest_beat"] < 5 and figures["served"] > 10
