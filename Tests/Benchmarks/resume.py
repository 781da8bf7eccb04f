# SPDX-License-Identifier: MIT
"""Time and peak memory of resuming a sweep with many finished trials; see README.md."""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

from throughput import QUICK, SWEEPD, Sweep

TRIALS = int(os.environ.get("RESUME_TRIALS", "10000" if QUICK else "100000"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(pathlib.Path(folder))
        print(f"making a sweep of {TRIALS} trials ...", flush=True)
        sweep.run(TRIALS, 1)
        # One more trial, and nobody to run it: the time from the start to the moment the sweep is open for workers.
        log = open(pathlib.Path(folder) / "resume.log", "w")
        endpoint = sweep.data / "endpoint.json"
        start = time.time()
        process = subprocess.Popen(
            [SWEEPD, "extend", "--trials", "+1", "--data", str(sweep.data), "--workers", "0", "--plain"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while not endpoint.exists() and process.poll() is None:
            time.sleep(0.005)
        while "extended in" not in (pathlib.Path(folder) / "resume.log").read_text() and process.poll() is None:
            time.sleep(0.005)
        seconds = time.time() - start
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024
        process.kill()
        process.wait()
        size = (sweep.data / "sweepd.sqlite").stat().st_size / 2**20
    print(f"resume of {TRIALS} finished trials: {seconds:.2f} s, peak memory {peak:.0f} MiB, store {size:.0f} MiB")
    print(f"result: resume_trials={TRIALS} resume_seconds={seconds:.2f} resume_peak_mib={peak:.0f}")


if __name__ == "__main__":
    main()
