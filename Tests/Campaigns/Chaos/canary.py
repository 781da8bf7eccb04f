# SPDX-License-Identifier: MIT
"""Tells whether the machine let processes run at all: what depends on time means nothing where it did not."""

import threading
import time

# Seconds that a nap may last too long. A worker that gets no processor for so long may well be silent for a lease.
LIMIT = 0.5


class Canary:
    """Naps and looks how long that took."""

    def __init__(self):
        self.worst = 0.0
        self._stalls = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._nap, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join(2)

    def _nap(self):
        while not self._ends.is_set():
            began = time.monotonic()
            time.sleep(0.02)
            now = time.monotonic()
            stall = now - began - 0.02
            self.worst = max(self.worst, stall)
            if stall > 0.05:
                self._stalls.append((now, stall))

    def stalled_since(self, moment):
        """Return for how many seconds, since then, this process was not let run when it should have been."""
        return sum(min(stall, end - moment) for end, stall in list(self._stalls) if end > moment)

    @property
    def is_starved(self):
        """Whether the machine was so busy that a worker's silence may be the machine's doing."""
        return self.worst > LIMIT
