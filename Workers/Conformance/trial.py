# SPDX-License-Identifier: MIT
"""What the kit's leases run: trains nothing for `--seconds`, and prints what the lease's pattern finds."""

import signal
import sys
import time

asked = []
signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
seconds = next((float(word.split("=")[1]) for word in sys.argv if word.startswith("--seconds=")), 1.0)
began, step = time.monotonic(), 0
while time.monotonic() - began < seconds and not asked:
    step += 1
    print(f"step {step} loss={1 / step}", flush=True)
    time.sleep(0.02)
