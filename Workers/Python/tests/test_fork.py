# SPDX-License-Identifier: MIT
"""Children that a training function forks die of the signals they get, and not of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sweepd

SOURCE = Path(sweepd.__file__).parent.parent

CHILD = """
import os, signal, time
def terminated_child():
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(0.01)
    time.sleep(0.1)
    os.kill(child, signal.SIGTERM)
    for _ in range(300):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.WTERMSIG(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return None
"""

WORKER = (
    CHILD
    + """
from sweepd import _worker
class Link:
    interrupted = False
    def interrupt(self, name): raise SystemExit("the parent was interrupted")
with _worker._signals(Link()):
    print(terminated_child())
"""
)

TRIAL = (
    CHILD
    + """
import sweepd
trial = sweepd.trial()
trial._process = os.getpid()
signal.signal(signal.SIGTERM, trial._terminate)
print(terminated_child())
"""
)


@pytest.mark.parametrize("script", [WORKER, TRIAL], ids=["worker", "trial"])
def test_a_forked_child_can_be_terminated(tmp_path, script):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30,
        check=False,
    )
    assert (result.returncode, result.stdout.strip()) == (0, str(int(signal.SIGTERM))), result.stderr
