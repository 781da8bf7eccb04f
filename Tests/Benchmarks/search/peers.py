# SPDX-License-Identifier: MIT
"""A peer as a child process that speaks the protocol of `sweepd optimize --stdio`: python peers.py NAME.

So a peer can live in a virtual environment of its own, and the driver sees no difference between it and sweepd.
"""
from __future__ import annotations

import importlib
import json
import os
import sys

ADAPTERS = {
    "random": ("peer_random", "Random"),
    "tpe": ("peer_optuna", "Tpe"),
    "gp": ("peer_optuna", "Gp"),
    "hebo": ("peer_hebo", "Hebo"),
    "botorch": ("peer_botorch", "BoTorch"),
}


def serve(adapter_class: type) -> None:
    """Answer requests until standard input ends. `init` may come again: then a new run begins."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    adapter, next_id = None, 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "init":
            adapter, next_id = adapter_class(request["space"], request["seed"]), 0
            answer = {"ok": True, "versions": adapter_class.versions()}
        elif request["op"] == "ask":
            trials = []
            for _ in range(request["n"]):
                trials.append({"id": next_id, "params": adapter.ask(next_id)})
                next_id += 1
            answer = {"trials": trials}
        else:
            adapter.tell(request["id"], None if request.get("failed") else request["value"])
            answer = {"ok": True}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    module, name = ADAPTERS[sys.argv[1]]
    try:
        serve(getattr(importlib.import_module(module), name))
    except BrokenPipeError:
        # Whoever asked has been stopped; there is nobody to tell.
        sys.exit(1)
