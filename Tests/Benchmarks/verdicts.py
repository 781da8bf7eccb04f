# SPDX-License-Identifier: MIT
"""What a report costs with 10,000 curves stored: sweepd reads it, judges it by a rule and answers over `optimize --stdio`.

The line's way through the pipe and its JSON are in the figure; `none` has them alone, so the difference is the verdict.
Goal: at most 50 microseconds a report for every rule; it fails where one takes more. Curves are stored whole because the
rules run dry; ASHA's promotion variant, which a conversation cannot have, judges as its stopping variant does.
"""
from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time

CURVES = int(os.environ.get("CURVES", "1000" if os.environ.get("QUICK") == "1" else "10000"))
STEPS = 50
TIMED = 400
LIMIT_MICROSECONDS = 50
# By the name that is printed.
STOPPERS: dict[str, dict[str, object] | None] = {
    "none": None,
    **{rule: {"type": rule} for rule in ("asha", "async_hyperband", "median", "patience", "wilcoxon", "curve", "auto")},
    # W&B's rule needs its bands.
    "hyperband": {"type": "hyperband", "min_iter": 1},
    "asha with veto": {"type": "asha", "veto": True},
    "bounds": {"type": "threshold", "lower": -9, "upper": 9},
}


def lines(stopper: dict[str, object] | None) -> tuple[list[str], int]:
    """All requests, and how many of them are not timed."""
    source = random.Random(7)
    space = [{"name": "x", "type": "float", "low": 0, "high": 1}]
    init = {"op": "init", "space": space, "seed": 1, "method": "random", "max_steps": STEPS}
    if stopper:
        # A dry run judges every report and stops nothing.
        init["stopper"] = {**stopper, "dry_run": True}
    requests = [json.dumps(init)]
    begun = 0
    for trial in range(CURVES + TIMED):
        if trial == CURVES:
            begun = len(requests)
        end, rate = source.random(), 0.02 + 0.2 * source.random()
        requests.append(f'{{"op":"begin","params":{{"x":{source.random()!r}}}}}')
        for step in range(1, STEPS + 1):
            value = end + (1 - rate) ** step + 0.01 * source.random()
            requests.append(f'{{"op":"report","id":{trial},"step":{step},"value":{value!r}}}')
        requests.append(f'{{"op":"tell","id":{trial},"value":{value!r}}}')
    return requests, begun


def microseconds(stopper: dict[str, object] | None) -> float:
    """A request, of those that come when all curves are stored."""
    requests, begun = lines(stopper)
    child = subprocess.Popen([os.environ["SWEEPD"], "optimize", "--stdio"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert child.stdin and child.stdout
    with child, child.stdin as out, child.stdout as answers:
        def write(part: list[str]) -> None:
            out.write("\n".join(part) + "\n")
            out.flush()

        for part in (requests[:begun], requests[begun:]):
            start = time.perf_counter()
            writer = threading.Thread(target=write, args=(part,))
            writer.start()
            for request in part:
                answer = answers.readline()
                assert '"error"' not in answer, f"{request}: {answer}"
            writer.join()
        return (time.perf_counter() - start) / len(part) * 1e6


def main() -> None:
    print(f"A report with {CURVES:,} curves of {STEPS} steps stored, in microseconds (goal: at most {LIMIT_MICROSECONDS})")
    slow = []
    for name, stopper in STOPPERS.items():
        took = microseconds(stopper)
        if took > LIMIT_MICROSECONDS:
            slow.append(name)
        print(f"  {name:16} {took:6.1f}{'   over the limit' if name in slow else ''}", flush=True)
    if slow:
        sys.exit(f"verdicts: over {LIMIT_MICROSECONDS} microseconds: {', '.join(slow)}")


if __name__ == "__main__":
    main()
