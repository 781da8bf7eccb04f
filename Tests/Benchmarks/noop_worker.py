# SPDX-License-Identifier: MIT
"""A worker process whose trials do nothing but report: what is measured is the system around them."""
import os
import sys

import sweepd


def train(trial) -> None:
    for step in range(1, int(os.environ["NOOP_REPORTS"]) + 1):
        trial.report(step, loss=1.0 / step)


if __name__ == "__main__":
    sweepd.worker(train, data=sys.argv[1], prefetch=int(os.environ.get("NOOP_PREFETCH", "32")))
