# SPDX-License-Identifier: MIT
"""One run of the chaos campaign: `chaos_run.py --seed 7 [--kind proxy] --sweepd PATH --folder DIR`.

Prints one line of JSON with what was done and what is wrong. The folder holds everything that is needed to see why.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import journal
import leaving
import machine
import plan as plans
import resumed
from canary import Canary
from checks import Checks
from fleet import HERE, ROOT, Broken, Fleet
from proxy import Proxy

PARAMETERS = {
    "random": "  x: {min: -5.0, max: 10.0}\n  y: {min: 0.0, max: 15.0}\n",
    "sobol": "  x: {min: -5.0, max: 10.0}\n  y: {min: 0.0, max: 15.0}\n",
    "grid": "  x: {values: [-5.0, -2.0, 1.0, 4.0, 7.0]}\n  y: {values: [0.0, 4.0, 8.0, 12.0]}\n",
}
# After the last fault: the longest waits of both sides, and the work that is left.
PATIENCE = 90.0


def sweep_file(plan, folder):
    """Write the plan's sweep file and return its path."""
    stopping = "early_terminate: {type: asha, min_step: 2, max_step: 12, eta: 2}\n" if plan.stops_early else ""
    text = (
        f"name: chaos\nmethod: {plan.method}\nseed: {plan.sweep_seed}\ntrials: {plan.trials}\nretries: 10\n"
        f"metric: {{name: value, goal: minimize}}\nparameters:\n{PARAMETERS[plan.method]}{stopping}"
        f"checkpoints: {{path: {folder / 'checkpoints'}}}\n"
        f'command: ["{sys.executable}", {HERE / "oracle_trial.py"}]\n'
    )
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def undisturbed(plan, sweepd, shelf):
    """Return trial → configuration of a run without faults, made once for each sweep."""
    path = Path(shelf) / f"{plan.method}-{plan.sweep_seed}.json"
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text())
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "sweep.yaml"
        file.write_text(
            f"name: chaos\nmethod: {plan.method}\nseed: {plan.sweep_seed}\ntrials: {plans.TRIALS}\n"
            f"metric: {{name: value, goal: minimize, pattern: 'value=(?<value>\\S+)'}}\n"
            f"parameters:\n{PARAMETERS[plan.method]}"
            'command: ["/bin/sh", "-c", "echo value=1.0"]\n'
        )
        command = [str(sweepd), "run", str(file), "--data", f"{name}/data", "--workers", "1", "--gpus", "none", "--plain"]
        subprocess.run(command, capture_output=True, timeout=60, check=True, cwd=name)
        found = {str(e["trial"]): e["configuration"] for e in journal.entries(f"{name}/data") if e["e"] == "proposed"}
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(found))
    temporary.rename(path)
    return found


class Run:
    """Plays one plan."""

    def __init__(self, plan, folder, sweepd, shelf):
        self.plan, self.folder, self.sweepd, self.shelf = plan, Path(folder), sweepd, shelf
        self.chance = random.Random(plan.seed)
        self.notes = []
        self.problems = []
        self.figures = {}
        self.ended = {}
        self.disk = None
        self.forgets = False

    def go(self):
        """Play it; return what is wrong."""
        with contextlib.ExitStack() as stack:
            canary = stack.enter_context(Canary())
            cable = clock = None
            if self.plan.kind == "partition":
                if machine.Cable.is_possible():
                    cable = stack.enter_context(machine.Cable(f"{self.plan.seed}-{os.getpid() % 1000}"[-10:]))
                else:
                    self.notes.append("no network namespaces: through the proxy")
            if self.plan.kind == "disk-full":
                if not machine.SmallDisk.is_possible():
                    return self._skip("no file system can be mounted")
                self.disk = stack.enter_context(machine.SmallDisk(self.folder / "data", 6))
            if self.plan.kind in ("clock", "mixed"):
                if machine.WallClock.library():
                    clock = machine.WallClock(self.folder)
                else:
                    self.notes.append("no libfaketime: the wall clock does not jump")
            self.clock = clock
            self.fleet = Fleet(self.plan, self.folder, self.sweepd, cable, clock)
            try:
                self._play()
            except (Broken, subprocess.SubprocessError) as error:
                self.problems.append(f"{type(error).__name__}: {error}")
            finally:
                self.problems += self.fleet.problems
                self.fleet.abort()
                self.figures |= self.fleet.counts
                if self.problems and self.disk:
                    # The small disk goes with the run.
                    shutil.copytree(self.fleet.data, self.folder / "data.kept", ignore=shutil.ignore_patterns("ballast"))
        self.figures["stall"] = round(canary.worst, 2)
        if canary.is_starved:
            # What is lost or there twice stays a failure whatever the machine did.
            for problem in [problem for problem in self.problems if self._is_about_time(problem)]:
                self.problems.remove(problem)
                self.notes.append(f"starved: {problem[:300]}")
        return self.problems

    @staticmethod
    def _is_about_time(problem):
        return problem.startswith(("Broken: ", "TimeoutExpired: ")) or "was thrown away" in problem

    def _skip(self, why):
        self.notes.append(f"skipped: {why}")
        return []

    def _play(self):
        plan, fleet = self.plan, self.fleet
        expected = {"total": plan.trials, "configurations": undisturbed(plan, self.sweepd, self.shelf)}
        file = sweep_file(plan, self.folder)
        if plan.kind == "resume":
            resumed.play(self, file)
        else:
            self._attach()
            launched = fleet.call("launch", str(file), "--data", str(fleet.data))
            if launched.returncode != 0:
                raise Broken(f"launch: {launched.stderr}")
            if self.forgets:
                self._forget()
            self._suffer()
            self._recover()
        verified = fleet.call("verify", "--json", "--data", str(fleet.data), seconds=60)
        if verified.returncode != 0:
            self.problems.append(f"verify: {verified.stdout} {verified.stderr}")
        log = (self.folder / "coordinator.log").read_text(errors="replace")
        self.figures["disk_full"] = log.count("the disk is full")
        # Kept for whoever wants to make the checks again.
        self.facts = {"worker_of": fleet.worker_of, "expected": expected, "may_lose": sorted(plan.may_lose)}
        checks = Checks(plan, self.folder, fleet.worker_of, expected)
        self.problems += checks.all(self.ended)
        self.figures |= checks.figures
        (self.folder / "facts.json").write_text(json.dumps(self.facts | {"ended": self.ended}))

    def _attach(self):
        fleet = self.fleet
        if self.plan.kind in ("proxy", "mixed") or (self.plan.kind == "partition" and fleet.cable is None):
            for index, (kind, _) in enumerate(self.plan.workers):
                if kind != "local":
                    fleet.proxies[index] = Proxy((fleet.address, fleet.port), self.plan.seed + index)
        fleet.start_coordinator()
        for index, (kind, _) in enumerate(self.plan.workers):
            if kind != "local":
                fleet.enrol(index)
            fleet.start_worker(index)

    def _suffer(self):
        """Wait until trials run, then let the faults happen at their times."""
        deadline = time.monotonic() + 20
        while not any(row[0] == "running" for row in journal.trials(self.fleet.data).values()):
            if time.monotonic() > deadline:
                raise Broken("no trial begins")
            time.sleep(0.05)
        start = time.monotonic()
        for moment, action, argument in self.plan.faults:
            while (pause := start + moment - time.monotonic()) > 0:
                time.sleep(min(pause, 0.1))
                self.fleet.reap()
            self._log(f"{moment:.2f} {action} {argument}")
            getattr(self, "_" + action.replace("-", "_"))(argument)

    def _forget(self):
        """Lose what was acknowledged in a second and a half: what no coordinator may ever do."""
        time.sleep(2)
        memory = self.folder / "memory"
        self.fleet.kill_coordinator()
        shutil.copytree(self.fleet.data, memory, ignore=shutil.ignore_patterns("*.s"))
        self.fleet.start_coordinator()
        time.sleep(1.5)
        self.fleet.kill_coordinator()
        for name in ("sweepd.sqlite", "sweepd.sqlite-wal", "sweepd.sqlite-shm"):
            (self.fleet.data / name).unlink(missing_ok=True)
            if (memory / name).exists():
                shutil.copy2(memory / name, self.fleet.data / name)
        self.fleet.start_coordinator()

    def _recover(self):
        fleet = self.fleet
        if self.disk:
            self.disk.free()
        fleet.heal()
        deadline = time.monotonic() + PATIENCE
        while True:
            fleet.reap()
            rows = journal.trials(fleet.data)
            if len(rows) == self.plan.trials and all(row[0] in journal.OVER for row in rows.values()):
                break
            if fleet.coordinator is None or time.monotonic() > deadline:
                live = {number: row for number, row in rows.items() if row[0] not in journal.OVER}
                raise Broken(f"not all trials come to an end: {len(rows)} trials, {live}")
            time.sleep(0.1)
        self._look()
        fleet.end()

    def _look(self):
        """Remember what is over: it must not change any more."""
        for number, row in journal.ended(self.fleet.data).items():
            if self.ended.setdefault(number, row) != row:
                self.problems.append(f"the end of trial {number} changed from {self.ended[number]} to {row}")

    def _log(self, text):
        with open(self.folder / "faults.log", "a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    # The faults, by the names that a plan gives them.

    def _kill_coordinator(self, _):
        self._look()
        self.fleet.kill_coordinator()

    def _start_coordinator(self, options):
        self.fleet.start_coordinator(waits=False, **(options or {}))

    def _restart_coordinator(self, options):
        self._look()
        self.fleet.kill_coordinator()
        self.fleet.start_coordinator(waits="booted" in options, **options)

    def _strike(self, failpoint):
        """A coordinator that dies at a named place, and soon one that does not. A worker joins where it is about that."""
        self._kill_coordinator(None)
        self.fleet.start_coordinator(failpoint=failpoint, waits=False)
        deadline = time.monotonic() + 5
        joins = "enrolment" in failpoint
        while self.fleet.coordinator is not None and time.monotonic() < deadline:
            if joins and self.fleet.serves:
                joins = False
                threading.Thread(target=self._join, daemon=True).start()
            time.sleep(0.02)
            self.fleet.reap()
        time.sleep(self.chance.uniform(0, 0.6))
        if self.fleet.coordinator is None:
            self.fleet.start_coordinator()

    def _join(self):
        with contextlib.suppress(subprocess.SubprocessError):
            self.fleet.join()

    def _kill_worker(self, index):
        self.fleet.kill_worker(index)
        # Another one, as from a service manager.
        threading.Timer(0.5, self._restart_worker, [index]).start()

    def _restart_worker(self, index):
        if self.fleet.coordinator is not None:
            self.fleet.start_worker(index)

    def _kill_child(self, _):
        self.fleet.kill_child(self.chance)

    def _hand_back(self, _):
        leaving.hand_back(self, _)

    def _drain(self, index):
        leaving.drain(self, index)

    def _revoke(self, argument):
        leaving.revoke(self, argument)

    def _stop_worker(self, index):
        self.fleet.signal_worker(index, signal.SIGSTOP)

    def _continue_worker(self, index):
        self.fleet.signal_worker(index, signal.SIGCONT)

    def _stop_coordinator(self, _):
        self.fleet.signal_coordinator(signal.SIGSTOP)

    def _continue_coordinator(self, _):
        self.fleet.signal_coordinator(signal.SIGCONT)

    def _cut(self, how):
        if self.fleet.cable:
            return self.fleet.cable.cut(how)
        for proxy in self.fleet.proxies.values():
            proxy.begin("stall" if how == "down" else "one-way-stall")

    def _mend(self, _):
        if self.fleet.cable:
            return self.fleet.cable.mend()
        self._end_faults(None)

    def _begin_fault(self, fault):
        index, name = fault
        self.fleet.proxies[index].begin(name)

    def _end_faults(self, _):
        for proxy in self.fleet.proxies.values():
            proxy.end()

    def _fill_disk(self, _):
        self.disk.fill()

    def _free_disk(self, _):
        self.disk.free()

    def _jump_clock(self, seconds):
        if self.clock:
            self.clock.jump(seconds)

    def _start_second(self, _):
        """Another one on the same directory is refused, and the first one does not notice."""
        first = self.fleet.coordinator
        if first is None or self.fleet.is_stopped(first.pid) or not self.fleet.wait_until_served():
            # Nobody is there, or will be before this is over: it would rightly serve.
            return
        command = ["serve", "--data", str(self.fleet.data), "--workers", "0", "--gpus", "none"]
        try:
            second = self.fleet.call(*command, seconds=10)
        except subprocess.TimeoutExpired:
            if first is not None and self.fleet.coordinator is first and first.poll() is None:
                self.problems.append("a second coordinator runs on the same directory")
            return
        if "already works" not in second.stderr:
            self.problems.append(f"the second coordinator said: {second.stderr.strip()[-300:]}")
        if second.returncode in (0, 1) or second.returncode < 0:
            self.problems.append(f"the second coordinator ended with {second.returncode}: {second.stderr[-300:]}")


def main():
    """Run one seed and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--kind", choices=plans.KINDS)
    parser.add_argument("--brief", action="store_true", help="fewer trials, and the faults of the first seconds only")
    parser.add_argument("--amnesia", action="store_true", help="spoil it: the checks must find out")
    parser.add_argument("--sweepd", default=ROOT / ".build/debug/sweepd", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--shelf", type=Path, default=Path(tempfile.gettempdir()) / "sweepd-chaos-undisturbed")
    options = parser.parse_args()
    options.folder.mkdir(mode=0o700, parents=True)
    plan = plans.drawn(options.seed, options.kind)
    if options.brief:
        plan.shorten()
    (options.folder / "plan.txt").write_text(f"{plan}\n".replace("), (", "),\n("))
    run = Run(plan, options.folder.resolve(), options.sweepd.resolve(), options.shelf)
    run.forgets = options.amnesia
    began = time.monotonic()
    problems = run.go()
    print(
        json.dumps(
            {"seed": plan.seed, "kind": plan.kind, "seconds": round(time.monotonic() - began, 1)}
            | {"problems": problems, "notes": run.notes}
            | run.figures
        )
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
