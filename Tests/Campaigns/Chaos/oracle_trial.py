# SPDX-License-Identifier: MIT
"""The script that native workers run. Its reports carry ids; what is promised to be durable goes into the oracle file."""

import json
import os
import select
import time

import sweepd
from sweepd import _agent
from sweepd import _trial as trials
from training import append, train

ORACLE = os.environ["CHAOS_FOLDER"] + "/promised"
FENCE = int(os.environ["SWEEPD_FENCE"])


class PromisedAgent(_agent.Agent):
    """Asks for a promise with every line, and writes down those that are kept."""

    def __init__(self, path):
        self._asked, self._kept = {}, 0
        super().__init__(path)

    def _send(self, line):
        if line["type"] in ("report", "checkpoint"):
            number = len(self._asked) + 1
            self._asked[number] = line
            line = {**line, "id": number}
        return super()._send(line)

    def _take(self, data):
        *lines, _ = (self._received + data).split(b"\n")
        super()._take(data)
        for text in lines:
            message = json.loads(text)
            if message.get("type") == "ok":
                self._kept += 1
                append(ORACLE, {"fence": FENCE, **self._asked[message["id"]]})

    def close(self):
        # Not for ever: what a coordinator that is away cannot promise is kept by the worker.
        deadline = time.monotonic() + float(os.environ.get("CHAOS_PATIENCE", "1"))
        while self._socket is not None and self._kept < len(self._asked) and time.monotonic() < deadline:
            if select.select([self._socket], [], [], 0.1)[0]:
                data = self._socket.recv(4096)
                if not data:
                    break
                self._take(data)
        super().close()


trials.Agent = PromisedAgent
with sweepd.trial(checkpoint_every=None) as trial:
    train(trial)
