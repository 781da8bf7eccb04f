# SPDX-License-Identifier: MIT
"""The Branin function as a training script: two parameters, milliseconds, the standard library alone.

Its three minima have the value 0.397887. BRANIN_SECONDS lengthens a trial, for tests: it reports on the way.
"""

from __future__ import annotations

import math
import os
import sys
import time

STEPS = 5


def branin(x: float, y: float) -> float:
    """Return the function's value; x lies in [-5, 10] and y in [0, 15]."""
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve * curve + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def main() -> None:
    """Run one trial."""
    try:
        import sweepd
    except ImportError:
        print_alone()
        return
    with sweepd.trial(defaults={"x": 0.0, "y": 0.0}) as trial:
        value = branin(trial.params.x, trial.params.y)
        seconds = float(os.environ.get("BRANIN_SECONDS", "0"))
        if seconds <= 0:
            trial.report(1, value=value)
            return
        for step in range(trial.resume_step, STEPS):
            time.sleep(seconds / STEPS)
            # A curve that comes down to the value, as a training curve does.
            trial.report(step + 1, value=value + 10 * (STEPS - 1 - step))


def print_alone() -> None:
    """Without the client: arguments like --x=1.5, and the value is printed."""
    options = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if "=" in word)
    print(f"value={branin(float(options.get('x', 0)), float(options.get('y', 0))):.6g}")


if __name__ == "__main__":
    main()
