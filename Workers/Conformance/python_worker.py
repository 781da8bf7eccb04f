# SPDX-License-Identifier: MIT
"""A worker that `run_worker.py` can test, with the Python client: `python_worker.py --endpoint … | --connection …`."""

from __future__ import annotations

import argparse
import time

import sweepd


def train(trial: sweepd.Trial) -> None:
    """Train nothing for as long as the parameters say, and report all the while."""
    began, step = time.monotonic(), trial.resume_step
    while time.monotonic() - began < trial.params.get("seconds", 1.0):
        step += 1
        trial.report(step, loss=1 / step)
        time.sleep(0.02)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint")
    parser.add_argument("--connection")
    parser.add_argument("--data")
    arguments = parser.parse_args()
    sweepd.worker(train, arguments.endpoint, arguments.data, connection=arguments.connection)
