# SPDX-License-Identifier: MIT
"""Take sweepd's own runs, on all problems or on some: --out FILE --label NAME keeps variants side by side.

Runs that the same binary has already taken into the file are not taken again.
"""
from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import multiprocessing
import os
import pathlib
import time

import results
from drive import CACHE, EVALUATIONS, ROOT, THREADS, Child, numbers, run, sweepd_command
from problems import PROBLEMS


def digest(binary: str) -> str:
    return hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest()[:12]


def default_file(binary: str) -> pathlib.Path:
    return CACHE / f"search-sweepd-{digest(binary)}.jsonl"


def take(task: tuple[str, results.Key]) -> tuple[results.Key, list, float]:
    binary, key = task
    start = time.monotonic()
    with Child(sweepd_command(binary)) as child:
        _, incumbents = run(child, *key)
    return key, incumbents, time.monotonic() - start


def drop_other_builds(path: pathlib.Path, label: str, version: str) -> None:
    """Runs of the same label by another binary are not those of this one."""
    kept = [line for line in results.lines(path)
            if line["optimiser"] != label or line["versions"].get("sweepd") == version]
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in kept))
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd")))
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--settings", default=",".join(EVALUATIONS))
    parser.add_argument("--seeds", default="0-19", help="like 0-9,15")
    parser.add_argument("--label", default="sweepd")
    parser.add_argument("--out", type=pathlib.Path, help="default: below .bench-cache, by the binary's digest")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end with what there is after this time")
    arguments = parser.parse_args()
    os.environ.update(THREADS)
    binary = str(pathlib.Path(arguments.binary).resolve())
    version, path = digest(binary), arguments.out or default_file(binary)
    if path.exists():
        drop_other_builds(path, arguments.label, version)
    done = results.read(path).get(arguments.label, {})
    # By seed, as the peers' runs: whatever there is in the end is paired.
    todo = [(binary, (problem, setting, seed)) for seed, problem, setting in itertools.product(
        numbers(arguments.seeds), arguments.problems.split(","), arguments.settings.split(","))
        if (problem, setting, seed) not in done]
    start, spent = time.monotonic(), 0.0
    with multiprocessing.Pool(arguments.processes) as pool:
        for count, (key, incumbents, seconds) in enumerate(pool.imap(take, todo), 1):
            results.append(path, arguments.label, {"sweepd": version}, key, incumbents)
            spent += seconds
            if count % 50 == 0:
                print(f"{count} of {len(todo)} runs in {time.monotonic() - start:.0f} s", flush=True)
            if time.monotonic() - start > arguments.seconds:
                break
    print(f"{arguments.label} {version}: {len(done)} runs cached, {len(todo)} missing, "
          f"{time.monotonic() - start:.0f} s ({spent:.0f} s of runs) into {path}")


if __name__ == "__main__":
    main()
