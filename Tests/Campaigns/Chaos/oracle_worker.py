# SPDX-License-Identifier: MIT
"""A Python worker that writes every event it is told to be durable into a file: what the coordinator must never lose."""

import itertools
import json
import os

import sweepd
import sweepd._link as link
import sweepd._session as states
from training import append, train

ORACLE = os.environ["CHAOS_FOLDER"] + "/acknowledged"


class WatchedSession(states.Session):
    """Writes down what is acknowledged, when it is."""

    def _acknowledge(self, fence, sequence, now):
        held = self.leases.get(fence)
        if held is None or sequence <= held.acknowledged:
            return super()._acknowledge(fence, sequence, now)
        events = [json.loads(text) for text in itertools.islice(held.events, sequence - held.acknowledged)]
        super()._acknowledge(fence, sequence, now)
        for event in events:
            append(ORACLE, event)


link.Session = WatchedSession
slots = int(os.environ.get("CHAOS_SLOTS", "1"))
sweepd.worker(
    train,
    connection=os.environ["CHAOS_CONNECTION"],
    data=os.environ["CHAOS_DATA"],
    slots=slots,
    checkpoints=[os.environ["CHAOS_CHECKPOINTS"]],
    checkpoint_every=None,
)
