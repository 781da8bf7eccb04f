# SPDX-License-Identifier: MIT
"""A worker that breaks one rule, for the tests of the conformance kit: `broken_worker.py FAULT --endpoint …`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from sweepd import _session, _wire
from sweepd._session import Session

KIT = Path(__file__).resolve().parents[2] / "Conformance"


def digest() -> None:
    """Believe the coordinator."""
    _wire.parameters_digest = lambda params: ""
    lease = _wire._lease
    _wire._lease = lambda item: lease(item)._replace(computed_digest=item["params_digest"])


def window() -> None:
    """Know no window."""
    welcome = Session._welcome

    def unbounded(self: Session, message, now):
        changes = welcome(self, message, now)
        self.window = 1 << 20
        return changes

    Session._welcome = unbounded


def resync() -> None:
    """Answer every resync at once."""
    receive = Session.receive

    def hasty(self: Session, message, now):
        self._greeted_at = None if message.get("t") == "resync" else self._greeted_at
        return receive(self, message, now)

    Session.receive = hasty


def stranger() -> None:
    """Take every session for its own."""
    receive = Session.receive
    Session.receive = lambda self, message, now: receive(
        self, {**message, "s": self._session if message["t"] in ("beat", "ack") else message["s"]}, now
    )


def late() -> None:
    """Forget which leases are over."""
    _session.REMEMBERED_FENCES = 0


def deaf() -> None:
    """Never notice a silence."""
    Session.is_silent = lambda self, now: False


def fences() -> None:
    """Run every lease, whatever else runs of its trial."""
    _session.Held.__init__.__globals__["Held"] = _session.Held
    began = _session.Held.__init__

    def lonely(self, lease):
        began(self, lease)
        self.trial = (lease.fence, 0)

    _session.Held.__init__ = lonely


def backup() -> None:
    """Believe that nothing is ever lost."""
    desire = Session._desire
    Session._desire = lambda self, desired, now, is_another_run=False: desire(self, desired, now, False)


def resend() -> None:
    """Send each event once."""
    Session._rewind = lambda self: None
    Session._go_back = lambda self, fence, sequence: None


def numbers() -> None:
    """Write integers as they are."""
    _wire._exact = lambda integer: integer
    _wire._number = str


def version() -> None:
    """Take any version."""
    _wire.VERSIONS = (1, 1 << 20)


def checkpoint() -> None:
    """Go on from any checkpoint."""
    from sweepd import _worker

    _worker.choose = lambda checkpoints, is_interrupted: (checkpoints[0], [])


if __name__ == "__main__":
    globals()[sys.argv.pop(1)]()
    runpy.run_path(str(KIT / "python_worker.py"), run_name="__main__")
