# SPDX-License-Identifier: MIT
"""The processes of a run: one coordinator, its workers, and what is known of how each ended."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import machine
import plan as plans

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CLIENT = ROOT / "Workers/Python/src"


class Broken(Exception):
    """The run itself could not go on; its text says why."""


def free_port():
    """Return a port below those that the system hands out by itself, so that a restart finds it free again."""
    for _ in range(100):
        port = random.SystemRandom().randrange(12_000, 31_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
    raise Broken("no free port")


class Fleet:
    """Starts, kills, stops and ends the processes of one run."""

    def __init__(self, plan, folder, sweepd, cable=None, clock=None):
        self.plan, self.folder, self.sweepd = plan, Path(folder), str(sweepd)
        self.cable, self.clock = cable, clock
        self.data = self.folder / "data"
        self.checkpoints = self.folder / "checkpoints"
        self.address = cable.address if cable else "127.0.0.1"
        self.port = free_port()
        self.mark = f"{self.folder.name}-{os.getpid()}-{random.SystemRandom().randrange(1 << 40):x}"
        self.coordinator = None
        self.workers = [None] * len(plan.workers)
        self._latest = 0.0
        # Process ids of every process that was a worker, so that the journal's names can be told apart.
        self.worker_of = {}
        self.proxies = {}
        self.problems = []
        self.counts = {"coordinator_kills": 0, "worker_kills": 0, "child_kills": 0, "failpoint_hits": 0, "starts": 0}
        self.counts |= {"hand_backs": 0, "drained": 0, "revocations": 0}
        # Workers that may end by themselves: nobody takes their keys.
        self.may_end = set()
        self._may_die = False
        self._orphans = []
        self._clocked = []
        self.lock, self._has_ended = threading.RLock(), False
        for path in (self.folder / "r", self.checkpoints, self.folder / "files"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    # Everybody.

    def environment(self):
        """Return what every process of the run gets."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
        return keep | {
            "XDG_RUNTIME_DIR": str(self.folder / "r"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "PYTHONPATH": str(CLIENT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SWEEPD_PYTHON_CLIENT": str(CLIENT),
            "CHAOS_RUN": self.mark,
            "CHAOS_FOLDER": str(self.folder),
            "CHAOS_CHECKPOINTS": str(self.checkpoints),
            "CHAOS_DATA": str(self.folder / "files"),
            "CHAOS_STEPS": str(plans.STEPS),
            "CHAOS_SECONDS": f"{self.plan.seconds_per_step}",
            "CHAOS_EVERY": str(self.plan.checkpoint_every),
        }

    def _start(self, command, log, extra=None, stdin=None):
        with open(self.folder / log, "ab") as output:
            return subprocess.Popen(
                command,
                env=self.environment() | (extra or {}),
                cwd=self.folder,
                stdin=stdin or subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def call(self, *arguments, seconds=20.0, stdin=None):
        """Run one command of sweepd to its end."""
        return subprocess.run(
            [self.sweepd, *arguments],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            input=stdin,
            check=False,
        )

    def left(self):
        """Return the processes of this run that are there."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if f"CHAOS_RUN={self.mark}".encode() in (entry / "environ").read_bytes():
                        line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        # A zombie has no command line and waits for its parent only.
                        if line:
                            found[int(entry.name)] = line[:120]
        return found

    # The coordinator.

    def start_coordinator(self, failpoint=None, booted=None, waits=True):
        """Start it, and wait until it serves; with a failpoint it may be gone before."""
        self.reap()
        if self.coordinator is not None:
            return
        extra = {"SWEEPD_TIMERS": plans.TIMERS}
        if failpoint:
            extra["SWEEPD_FAILPOINT"] = failpoint
        words = []
        if self.cable:
            words += self.cable.inside(self.cable.coordinator)
        if booted is not None and machine.has_time_namespaces():
            words += machine.booted(booted)
        if self.clock:
            extra |= self.clock.environment()
            words += self.clock.words()
        self._may_die = failpoint is not None
        self._served = self._services()
        self.coordinator = self._start(
            [*words, self.sweepd, "serve", "--data", str(self.data), "--workers", str(self.plan.own_slots)]
            + ["--gpus", "none", "--listen", f"tcp://{self.address}:{self.port}"],
            "coordinator.log",
            extra,
        )
        self.counts["starts"] += 1
        self._clocked.append(self.coordinator.pid)
        if waits:
            self.wait_until_served()

    @staticmethod
    def is_stopped(pid):
        """Whether the process stands still by a signal."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def wait_until_served(self, seconds=20.0):
        """Wait until the coordinator says that it serves. False: it ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.serves:
                return True
            self.reap()
            if self.coordinator is None:
                return False
            time.sleep(0.02)
        raise Broken("the coordinator does not come up")

    @property
    def serves(self):
        """Whether the coordinator that was started last has said that it serves."""
        return self._services() > self._served

    def _services(self):
        with contextlib.suppress(OSError):
            return (self.folder / "coordinator.log").read_bytes().count(b"hand it a sweep with")
        return 0

    def coordinator_pid(self):
        """Return its own process id, not that of what started it in another time."""
        pid = self.coordinator.pid
        for _ in range(200):
            with contextlib.suppress(OSError, ValueError):
                if os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(self.sweepd):
                    return pid
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                pid = int(children[0]) if children else pid
            time.sleep(0.01)
        return self.coordinator.pid

    def kill_coordinator(self):
        """Kill -9."""
        with self.lock:
            self._reap()
            if self.coordinator is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.coordinator_pid(), signal.SIGKILL)
                self.counts["coordinator_kills"] += 1
            self.coordinator.wait(10)
            self.coordinator = None

    def reap(self):
        """Look who has ended, and whether he was allowed to."""
        with self.lock:
            self._reap()

    def _reap(self):
        process = self.coordinator
        if process is not None and process.poll() is not None:
            self.coordinator = None
            if self._may_die and process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
                self.counts["coordinator_kills"] += 1
                self.counts["failpoint_hits"] += 1
            else:
                self.problems.append(f"the coordinator ended by itself: {process.returncode}")
        for index, worker in enumerate(self.workers):
            if worker is not None and worker.poll() is not None:
                self.workers[index] = None
                if index not in self.may_end:
                    self.problems.append(f"worker {index} ended by itself: {worker.returncode}")

    # The workers.

    def enrol(self, index):
        """Give a remote worker a key of its own."""
        invited = self.call("invite", "--token", "--name", f"w{index}", "--data", str(self.data))
        if invited.returncode != 0:
            raise Broken(f"no invitation: {invited.stderr}")
        words = self.cable.inside(self.cable.workers) if self.cable else []
        file = self.folder / f"w{index}.json"
        file.unlink(missing_ok=True)
        enrolled = subprocess.run(
            [*words, sys.executable, str(HERE / "enrol.py"), str(file)],
            env=self.environment(),
            input=invited.stdout,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if enrolled.returncode != 0:
            raise Broken(f"worker {index} cannot enrol: {enrolled.stderr}")
        if index in self.proxies:
            content = json.loads(file.read_text())
            content["endpoints"] = [f"tcp://127.0.0.1:{self.proxies[index].port}"]
            file.write_text(json.dumps(content))

    def key_name(self, index):
        """Return what the coordinator calls a worker's key."""
        return json.loads((self.folder / f"w{index}.json").read_text())["name"]

    def start_worker(self, index):
        """Start it, unless it is there. Timers come here as well as the run's own thread."""
        with self.lock:
            self.reap()
            if self.workers[index] is None and not self._has_ended:
                self._start_worker(index)

    def _start_worker(self, index):
        kind, slots = self.plan.workers[index]
        words = self.cable.inside(self.cable.workers) if self.cable and kind != "local" else []
        native = [*words, self.sweepd, "worker", "--slots", str(slots), "--gpus", "none"]
        extra = {}
        if kind == "local":
            command = [*native, "--data", str(self.data)]
        elif kind == "native":
            command = [*native, "--connection", str(self.folder / f"w{index}.json"), "--allow-command"]
            command += ["--checkpoints", str(self.checkpoints), "--files", str(self.folder / "files")]
        else:
            command = [*words, sys.executable, str(HERE / "oracle_worker.py")]
            extra = {"CHAOS_CONNECTION": str(self.folder / f"w{index}.json"), "CHAOS_SLOTS": str(slots)}
        self.workers[index] = self._start(command, f"worker{index}.log", extra)
        self.worker_of[self.workers[index].pid] = index
        self._latest = time.monotonic()

    def join(self):
        """A worker that comes in by itself, through whatever the coordinator suffers meanwhile."""
        invited = self.call("invite", "--token", "--uses", "3", "--data", str(self.data))
        if invited.returncode != 0:
            return
        number = len(list(self.folder.glob("token*")))
        token = self.folder / f"token{number}"
        descriptor = os.open(token, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, invited.stdout.encode())
        os.close(descriptor)
        script = (
            'for try in 1 2 3 4 5 6 7 8; do "$0" worker --join "$1" --connection "$2" --slots 1 --gpus none '
            '--allow-command --checkpoints "$3" --files "$4" && exit 0; sleep 1; done; exit 1'
        )
        process = self._start(
            ["/bin/sh", "-c", script, self.sweepd, str(token), str(self.folder / f"joined{number}.json")]
            + [str(self.checkpoints), str(self.folder / "files")],
            f"joined{number}.log",
        )
        self.workers.append(process)
        self.plan.workers.append(("joined", 1))

    def kill_worker(self, index):
        """Kill -9; what it started must be gone soon after."""
        with self.lock:
            process = self.workers[index]
            if process is None:
                return
            self._orphans += self.descendants(process.pid)
            process.kill()
            process.wait(10)
            self.counts["worker_kills"] += 1
            self.workers[index] = None

    def send_away(self, index, number):
        """Tell a worker to leave, by a signal; return its process, whose end is no surprise from now on."""
        with self.lock:
            self.reap()
            process, self.workers[index] = self.workers[index], None
        if process is not None:
            process.send_signal(number)
        return process

    def kill_child(self, chance):
        """Kill -9 of one training script."""
        children = [pid for pid, line in self.left().items() if "oracle_trial.py" in line]
        if children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(sorted(children)), signal.SIGKILL)
                self.counts["child_kills"] += 1

    def descendants(self, pid):
        """Return the processes below one."""
        found = []
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    found += [int(child), *self.descendants(int(child))]
        return found

    def signal_worker(self, index, number):
        """Stop it or let it go on."""
        if self.workers[index] is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.workers[index].pid, number)

    def signal_coordinator(self, number):
        """Stop it or let it go on."""
        if self.coordinator is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.coordinator_pid(), number)

    # The end.

    def heal(self):
        """Undo every fault and see that all are there."""
        if self.cable:
            self.cable.mend()
        for proxy in self.proxies.values():
            proxy.end()
        self.signal_coordinator(signal.SIGCONT)
        for index in range(len(self.workers)):
            self.signal_worker(index, signal.SIGCONT)
        self.reap()
        if self.coordinator is not None and self._may_die:
            # Its failpoint is still ahead.
            self.kill_coordinator()
        self.start_coordinator()
        for index, (kind, _) in enumerate(self.plan.workers):
            if kind != "joined":
                self.start_worker(index)
        deadline = time.monotonic() + 5
        while any(Path(f"/proc/{pid}").exists() for pid in self._orphans) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in self._orphans:
            with contextlib.suppress(OSError):
                if self.mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    self.problems.append(f"process {pid} outlived its worker")

    def end(self):
        """End all in good order; nobody may be left."""
        with self.lock:
            self._has_ended = True
        self.reap()
        # A program that is only just being loaded heeds no signal of its own accord.
        time.sleep(max(0.0, self._latest + 2 - time.monotonic()))
        # Without a coordinator workers wait for it, for longer than anybody waits here.
        if self.coordinator:
            self.wait_until_served()
        processes = [(f"worker {index}", worker) for index, worker in enumerate(self.workers) if worker]
        joined = [index for index, (kind, _) in enumerate(self.plan.workers) if kind == "joined"]
        for name, process in processes:
            # A worker that joins is tried again by a shell: that must not begin another.
            below = self.descendants(process.pid) if int(name.split()[1]) in joined else []
            for pid in [process.pid, *below]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        self._ended(processes, shells={f"worker {index}" for index in joined})
        deadline = time.monotonic() + 20
        while any("worker --join" in line for line in self.left().values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        # Whoever looks again must not wonder that they are gone.
        self.workers = [None] * len(self.workers)
        if self.coordinator and self.wait_until_served():
            self.signal_coordinator(signal.SIGTERM)
            self._ended([("the coordinator", self.coordinator)])
        self.coordinator = None
        deadline = time.monotonic() + 3
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left:
            self.problems.append(f"processes are left over: {left}")

    def _ended(self, processes, shells=()):
        for name, process in processes:
            try:
                if process.wait(20) not in ((0, -signal.SIGTERM) if name in shells else (0,)):
                    self.problems.append(f"{name} ended with {process.returncode} on SIGTERM")
            except subprocess.TimeoutExpired:
                self.problems.append(f"{name} does not end on SIGTERM")

    def abort(self):
        """Kill whatever is left, at the end of a run that failed too."""
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in [*self.workers, self.coordinator]:
            if process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
        for proxy in self.proxies.values():
            proxy.close()
        for pid in self._clocked if self.clock else []:
            for near in range(pid, pid + 4):
                self.clock.forget(near)
