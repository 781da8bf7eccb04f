# SPDX-License-Identifier: MIT
"""The digits example with `method: bayes` against `random`: paired seeds, equal trials; see README.md.

Goes on from what this binary has left in .bench-cache/digits.jsonl, for SECONDS_BUDGET seconds (default 1200) or until
SEEDS seeds are done.
"""
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWEEPD = os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd"))
EXAMPLE = ROOT / "Workers/Examples/digits"
RESULTS = ROOT / ".bench-cache/digits.jsonl"
METHODS = ["random", "bayes"]
SEEDS = int(os.environ.get("SEEDS", "10"))
BUDGET = float(os.environ.get("SECONDS_BUDGET", "1200"))


def best_by_trial(method: str, seed: int) -> list[float]:
    """The best value after 1, 2, 3, … trials, in the order in which they were proposed."""
    text = (EXAMPLE / "sweep.yaml").read_text()
    text = re.sub(r"(?m)^method:.*$", f"method: {method}", text)
    text = re.sub(r"(?m)^baseline:.*$", "", text)
    with tempfile.TemporaryDirectory() as folder:
        for file in EXAMPLE.iterdir():
            if file.suffix == ".py":
                (pathlib.Path(folder) / file.name).write_bytes(file.read_bytes())
        (pathlib.Path(folder) / "sweep.yaml").write_text(text)
        environment = {**os.environ, "VIRTUAL_ENV": str(ROOT / ".venv")}
        subprocess.run([SWEEPD, "run", "sweep.yaml", "--seed", str(seed), "--workers", "2", "--json", "--plain"],
                       cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shown = subprocess.run([SWEEPD, "trials", "--json"], cwd=folder, check=True, capture_output=True, text=True)
    goal = min if "minimize" in text else max
    values, best = [], []
    for trial in json.loads(shown.stdout)["trials"]:
        if trial["value"] is not None:
            values.append(trial["value"])
        best.append(goal(values) if values else float("nan"))
    return best


def main() -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    version = hashlib.sha256(pathlib.Path(SWEEPD).read_bytes()).hexdigest()[:12]
    done = {}
    if RESULTS.exists():
        for line in RESULTS.read_text().splitlines():
            run = json.loads(line)
            if run.get("sweepd") == version:
                done[run["method"], run["seed"]] = run["best"]
    deadline = time.monotonic() + BUDGET
    for seed in range(SEEDS):
        for method in METHODS:
            if (method, seed) in done or time.monotonic() > deadline:
                continue
            done[method, seed] = best_by_trial(method, seed)
            with RESULTS.open("a") as file:
                file.write(json.dumps({"sweepd": version, "method": method, "seed": seed,
                                       "best": done[method, seed]}) + "\n")
    seeds = [seed for seed in range(SEEDS) if all((method, seed) in done for method in METHODS)]
    if not seeds:
        raise SystemExit("no seed is done yet")
    print(f"digits, {len(seeds)} paired seeds: the best validation loss after so many trials, mean over seeds")
    trials = len(done[METHODS[0], seeds[0]])
    for count in sorted({6, 12, 18, trials}):
        means = [statistics.mean(done[method, seed][count - 1] for seed in seeds) for method in METHODS]
        wins = sum(done["bayes", seed][count - 1] < done["random", seed][count - 1] for seed in seeds)
        print(f"  {count:3d}  random {means[0]:.4f}  bayes {means[1]:.4f}  bayes is better in {wins} of {len(seeds)}")
    for seed in seeds:
        print(f"  seed {seed}: " + "  ".join(f"{method} {done[method, seed][-1]:.4f}" for method in METHODS))


if __name__ == "__main__":
    main()
