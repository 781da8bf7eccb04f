# SPDX-License-Identifier: MIT
"""A bounded part of `make fuzz`: the same rounds, short, and proof that a slow daemon is told from a busy machine."""

from __future__ import annotations

import ctypes
import signal
import time

import campaign
import pytest
from daemon import Daemon


@pytest.mark.parametrize(("kind", "count"), [("connections", 3000), ("lawless", 3000)])
def test_a_round(kind: str, count: int) -> None:
    seed = int(time.time()) % 100_000 + 1_000
    print(f"seed {seed}")
    try:
        figures = campaign.one_round(kind, seed, count)
    except campaign.Starved as reason:
        pytest.skip(f"the machine was too busy: {reason}")
    print({name: round(value, 3) for name, value in figures.items()})
    assert figures["served"] > 10


def _instead(monkeypatch: pytest.MonkeyPatch, happens: object) -> None:
    """Have something happen in the middle of a round of no attack."""

    def attack(daemon: Daemon, seed: int, count: int) -> dict[str, float]:
        time.sleep(0.3)
        if seed < 1_000_000:
            happens(daemon)
            time.sleep(0.3)
        return {}

    monkeypatch.setattr(campaign, "connections", attack)


def test_a_daemon_that_is_slow_fails_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(daemon: Daemon) -> None:
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(1.6)
        daemon.process.send_signal(signal.SIGCONT)

    _instead(monkeypatch, stop)
    with pytest.raises(campaign.Verdict, match="a valid worker was not served"):
        campaign.one_round("connections", 1, 100)


def test_a_machine_that_lets_nobody_run_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def stall(daemon: Daemon) -> None:
        # Neither the daemon nor, as the interpreter's lock is held meanwhile, any thread of this process runs.
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        ctypes.PyDLL(None).usleep(1_600_000)
        daemon.process.send_signal(signal.SIGCONT)

    _instead(monkeypatch, stall)
    with pytest.raises(campaign.Starved):
        campaign.one_round("connections", 1, 100)
