# SPDX-License-Identifier: MIT
"""What every trial of a run trains: a value that follows from the parameters and the step, and a chain of digests that
tells whether a continued attempt went on from where its checkpoint was."""

import hashlib
import json
import math
import os
import time

STEPS = int(os.environ.get("CHAOS_STEPS", "12"))


def value(params, step):
    """Return the metric at a step: the checks compute it again from the journal's parameters."""
    x, y = params["x"], params["y"]
    branin = (y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6) ** 2
    return branin + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 + (STEPS - step) / 8


def chained(chain, params, step):
    """Return the digest after one more step."""
    return hashlib.sha256(f"{chain} {json.dumps(params, sort_keys=True)} {step}".encode()).hexdigest()


def chain_at(params, step):
    """Return what the chain must be after `step` steps."""
    chain = ""
    for number in range(1, step + 1):
        chain = chained(chain, params, number)
    return chain


def append(path, line):
    """Add a line in one write: whoever is killed leaves no half of one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)


def train(trial):
    """Train one attempt."""
    seconds, every = float(os.environ["CHAOS_SECONDS"]), int(os.environ["CHAOS_EVERY"])
    complaints = os.environ["CHAOS_FOLDER"] + "/complaints"
    params = dict(trial.params.flat())
    start, chain = 0, ""
    if trial.checkpoint:
        state = json.loads((trial.checkpoint / "state.json").read_text())
        start, chain = state["step"], state["chain"]
        if start != trial.resume_step or state["params"] != params or chain != chain_at(params, start):
            append(complaints, {"trial": trial.number, "resume": trial.resume_step, "state": state, "params": params})
    for step in range(start + 1, STEPS + 1):
        time.sleep(seconds)
        chain = chained(chain, params, step)
        trial.report(step, value=value(params, step))
        if step % every == 0 or trial.should_checkpoint():
            with trial.new_checkpoint(step) as folder:
                (folder / "state.json").write_text(json.dumps({"step": step, "chain": chain, "params": params}))
