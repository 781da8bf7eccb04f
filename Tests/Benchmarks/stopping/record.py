# SPDX-License-Identifier: MIT
"""Train every configuration of the grid with both seeds and write curves.csv.

Goes on from what is in .bench-cache/stopping-curves.jsonl, where each training that has ended is a line.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# The example's own network: it reads its settings of threads before numpy is loaded.
sys.path[:0] = [str(ROOT / "Workers/Examples/digits"), str(ROOT / "Workers/Python/src")]
import train  # noqa: E402

import numpy as np  # noqa: E402

from grid import CONFIGURATIONS, EPOCHS, METRIC, NAMES, SEEDS, TABLE_FILE  # noqa: E402

RECORD = ROOT / ".bench-cache/stopping-curves.jsonl"
Task = tuple[tuple, int]


def curve(task: Task) -> tuple[Task, list[float], float]:
    """The validation loss after each epoch, as Workers/Examples/digits/train.py trains, and the seconds it took."""
    config, seed = task
    params = dict(zip(NAMES, config))
    start = time.process_time()
    pictures, labels, validation_pictures, validation_labels = train.load_split()
    generator = np.random.default_rng(seed)
    network = train.Network(params["units"], params["activation"], generator)
    batch, losses = params["batch_size"], []
    with np.errstate(all="ignore"):
        for _ in range(EPOCHS):
            order = generator.permutation(len(labels))
            for rows in np.split(order, range(batch, len(order), batch)):
                network.learn(pictures[rows], labels[rows], params["lr"], params["weight_decay"])
            losses.append(network.judge(validation_pictures, validation_labels)[0])
    return task, losses, time.process_time() - start


def recorded() -> dict[Task, list[float]]:
    """What has been trained; the last line may be torn."""
    found = {}
    for line in RECORD.read_text().split("\n") if RECORD.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        found[tuple(entry["config"]), entry["seed"]] = entry["losses"]
    return found


def write_table(curves: dict[Task, list[float]], path: pathlib.Path) -> None:
    """By configuration, seed and step; five digits; what is not finite is nan."""
    lines = [",".join([*NAMES, "seed", "step", METRIC])]
    for config in CONFIGURATIONS:
        for seed in SEEDS:
            for step, loss in enumerate(curves[config, seed], 1):
                shown = f"{loss:.5g}" if np.isfinite(loss) else "nan"
                lines.append(",".join([*map(str, config), str(seed), str(step), shown]))
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    RECORD.parent.mkdir(exist_ok=True)
    curves = recorded()
    todo = [(config, seed) for config in CONFIGURATIONS for seed in SEEDS if (config, seed) not in curves]
    # Mixed, so that the time that is left can be told from the time that it took.
    random.Random(0).shuffle(todo)
    start, spent = time.monotonic(), 0.0
    pool = multiprocessing.Pool(arguments.processes, initializer=os.nice, initargs=(19,))
    with pool, RECORD.open("a") as file:
        file.write("\n")
        for count, (task, losses, seconds) in enumerate(pool.imap_unordered(curve, todo), 1):
            curves[task] = losses
            spent += seconds
            file.write(json.dumps({"config": task[0], "seed": task[1], "losses": losses}) + "\n")
            file.flush()
            if count % 20 == 0:
                print(f"{count} of {len(todo)} in {time.monotonic() - start:.0f} s, {spent:.0f} s of cores", flush=True)
    write_table(curves, TABLE_FILE)
    print(f"{len(curves)} curves; {len(todo)} trained in {time.monotonic() - start:.0f} s, {spent:.0f} s of cores")


if __name__ == "__main__":
    main()
