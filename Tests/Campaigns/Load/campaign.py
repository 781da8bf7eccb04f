# SPDX-License-Identifier: MIT
"""Many workers with keys over TCP, a coordinator that is killed in the middle, and what came of it; see README.md."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

SIZES = {
    # workers, trials, seconds of idleness that are measured, reports a second
    "full": (1000, 100_000, 30, 2050),
    "quick": (100, 5_000, 10, 1000),
    # For debug builds too, which count all trials after each message while there are fewer than 1,000.
    "small": (50, 400, 0, 500),
}
SIZE = os.environ.get("SIZE") or ("quick" if os.environ.get("QUICK") == "1" else "full")
WORKERS, TRIALS, IDLE, RATE = SIZES[SIZE]
WORKERS = int(os.environ.get("WORKERS", WORKERS))
TRIALS = int(os.environ.get("TRIALS", TRIALS))
RATE = float(os.environ.get("RATE", RATE))
KILLS = os.environ.get("KILLS", "1") != "0"
REPORTS = 10
A_PROCESS = 250
SWEEPD, PLAYER = os.environ["SWEEPD"], os.environ["PLAYER"]
ENDS = ("completed", "stopped", "failed")
TICKS = os.sysconf("SC_CLK_TCK")
SWEEP = """
name: load
method: random
seed: 1
trials: {trials}
metric: {{name: loss, goal: minimize}}
parameters:
  rate: {{min: 1.0e-6, max: 1.0, distribution: log_uniform_values}}
  layers: {{min: 1, max: 64}}
  kind: {{values: [a, b, c]}}
"""


def now_ms() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def say(text: str) -> None:
    print(f"load: {text}", flush=True)


class Coordinator:
    """`sweepd serve` on a port of its own; watched while it lives."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.data = folder, folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "XDG_RUNTIME_DIR": str(folder)}
        self.peak = 0
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        log = open(self.folder / "coordinator.log", "a")
        self.process = subprocess.Popen(
            [SWEEPD, "serve", "--data", str(self.data), "--workers", "0", "--listen", self.address],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder)
        while not (self.data / "endpoint.json").exists():
            if self.process.poll() is not None:
                sys.exit("the coordinator ended:\n" + (self.folder / "coordinator.log").read_text()[-2000:])
            time.sleep(0.02)

    def call(self, *arguments: str) -> str:
        done = subprocess.run([SWEEPD, *arguments, "--data", str(self.data)], env=self.environment, cwd=self.folder,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"sweepd {arguments[0]}: {done.stderr}")
        return done.stdout

    def cpu(self) -> float:
        """Seconds so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> tuple[float, float]:
        """Resident now and at most, in MiB; the most is kept over this coordinator's lives."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Vm")}
        # A process that is gone and not yet waited for has none.
        self.peak = max(self.peak, found.get("VmHWM", 0))
        return found.get("VmRSS", 0), self.peak

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def kill(self, how: signal.Signals) -> None:
        self.memory()
        self.process.send_signal(how)
        self.process.wait(timeout=120)
        if how == signal.SIGKILL:
            # What a killed coordinator leaves behind would pass for a live one.
            (self.data / "endpoint.json").unlink(missing_ok=True)


class Players:
    """The processes that play the workers."""

    def __init__(self, folder: pathlib.Path, token: str) -> None:
        slots = sum(1 + place % 4 for place in range(WORKERS))
        interval = round(slots / RATE * 1000)
        self.logs, self.processes = [], []
        self.latest: list[dict] = []
        self.results: list[dict] = []
        for first in range(0, WORKERS, A_PROCESS):
            log = folder / f"attempts-{first}.log"
            process = subprocess.Popen(
                [PLAYER, str(min(A_PROCESS, WORKERS - first)), str(interval), str(REPORTS), str(log)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.logs.append(log)
            self.processes.append(process)
            self.latest.append({})
            self.results.append({})
            process.stdin.write(token + "\n")
            process.stdin.flush()
            threading.Thread(target=self.read, args=(len(self.processes) - 1,), daemon=True).start()

    def read(self, place: int) -> None:
        for line in self.processes[place].stdout:
            word = json.loads(line)
            if "latencies" in word:
                self.results[place] = word["latencies"]
            elif "enrolled" not in word:
                self.latest[place] = word

    def say(self, word: str) -> None:
        for process in self.processes:
            process.stdin.write(word + "\n")
            process.stdin.flush()

    def alive(self) -> None:
        for process in self.processes:
            if process.poll() is not None:
                sys.exit(f"a player ended with {process.returncode}")

    def seen(self, name: str) -> int:
        return sum(word.get("seen", {}).get(name, 0) for word in self.latest)

    def welcomed(self, epoch: int, since: float) -> float | None:
        """When the last of all workers was welcomed in that life of the coordinator; None while one is missing."""
        words = [word for word in self.latest if word.get("epoch") == epoch]
        if len(words) < len(self.processes) or sum(word["welcomed"] for word in words) < WORKERS:
            return None
        last = max(word["last_welcome"] for word in words)
        return last if last >= since else None

    def wait(self, epoch: int, since: float, seconds: float) -> float:
        """Seconds from `since` until all are welcomed."""
        limit = now_ms() + seconds * 1000
        while now_ms() < limit:
            self.alive()
            last = self.welcomed(epoch, since)
            if last is not None:
                return (last - since) / 1000
            time.sleep(0.05)
        sys.exit(f"after {seconds:.0f} s not all workers are welcomed: {self.latest}")

    def end(self) -> dict[str, dict[int, int]]:
        self.say("end")
        for process in self.processes:
            process.wait(timeout=60)
        time.sleep(0.2)
        phases: dict[str, dict[int, int]] = {}
        for result in self.results:
            for phase, counts in result.items():
                known = phases.setdefault(phase, {})
                for wait, count in counts.items():
                    known[int(wait)] = known.get(int(wait), 0) + count
        return phases


def quantile(counts: dict[int, int], share: float) -> float:
    left = sum(counts.values()) * share
    for wait in sorted(counts):
        left -= counts[wait]
        if left <= 0:
            return wait
    return float("nan")


def value(trial: int, step: int) -> float:
    return (trial * 7919 + step * 31) % 1000 / 1000


def check(coordinator: Coordinator, players: Players) -> dict[str, int]:
    """What the players saw against what the tables hold."""
    store = sqlite3.connect(f"file:{coordinator.data}/sweepd.sqlite?mode=ro", uri=True)
    attempts = {fence: (trial, started is not None, outcome) for fence, trial, started, outcome in
                store.execute("SELECT fence, trial, started_at, outcome FROM attempt")}
    counts: dict[int, int] = {}
    wrong = 0
    for fence, count, least, most in store.execute(
            "SELECT fence, count(*), min(sequence), max(sequence) FROM report GROUP BY fence"):
        counts[fence] = count
        # Its first event is the start.
        wrong += least != 2 or most != count + 1
    for fence, sequence, step, metrics in store.execute("SELECT fence, sequence, step, metrics FROM report"):
        wrong += step != sequence - 1 or next(iter(json.loads(metrics).values())) != value(attempts[fence][0], step)
    played: dict[int, int] = {}
    lost = void = 0
    for log in players.logs:
        for line in log.read_text().splitlines():
            fence, trial, acknowledged, _, end = line.split()
            fence, trial, acknowledged = int(fence), int(trial), int(acknowledged)
            if acknowledged > 0 or end == "closed":
                played[trial] = played.get(trial, 0) + 1
            known = attempts.get(fence)
            if known is None or known[0] != trial:
                lost += acknowledged
                continue
            durable = counts.get(fence, 0) + known[1] + (known[2] in ENDS)
            if known[2] is not None and known[2] not in ENDS:
                # A lease that was taken back: what is said under it changes nothing, and the worker may forget it.
                void += max(0, acknowledged - durable)
                continue
            lost += max(0, acknowledged - durable)
            lost += end == "closed" and known[2] != "completed"
    ran: dict[int, int] = {}
    for trial, started, _ in attempts.values():
        ran[trial] = ran.get(trial, 0) + started
    return {
        "completed": store.execute("SELECT count(*) FROM trial WHERE state = 'completed'").fetchone()[0],
        "attempts": len(attempts),
        "reports": sum(counts.values()),
        "wrong": wrong,
        "lost": lost,
        "void": void,
        "twice": sum(count > 1 for count in ran.values()),
        "begun_twice": sum(count > 1 for count in played.values()),
        "losses": store.execute("SELECT coalesce(sum(losses), 0) FROM trial").fetchone()[0],
    }


class Table:
    def __init__(self) -> None:
        self.failed = 0
        self.figures: dict[str, float] = {}
        self.rows: list[str] = []

    def row(self, name: str, claim: str, figure: float, limit: float | None, unit: str = "", least: bool = False) -> None:
        self.figures[name] = figure
        good = limit is None or (figure >= limit if least else figure <= limit)
        self.failed += not good
        bound = "" if limit is None else f"{'>=' if least else '<='} {limit:g} {unit}"
        self.rows.append(f"{claim:58}{figure:12,.1f} {unit:6}{bound:16}{'' if good else 'MISSED'}")

    def show(self) -> None:
        print(f"\n{'claim':58}{'figure':>12}{'':7}limit")
        for row in self.rows:
            print(row.rstrip())
        print("result: " + " ".join(f"load_{name}={figure:g}" for name, figure in self.figures.items()))


def is_finished(coordinator: Coordinator) -> bool:
    store = sqlite3.connect(f"file:{coordinator.data}/sweepd.sqlite?mode=ro", uri=True)
    try:
        return store.execute("SELECT state FROM sweep").fetchone()[0] == "finished"
    finally:
        store.close()


def follow(coordinator: Coordinator, players: Players, until: int, limit: float) -> None:
    """Until so many trials are over; of all, until the sweep is.

    Those whose last acknowledgement died with the coordinator their workers do not see end: they are told to forget them.
    """
    deadline, told = time.time() + limit, 0.0
    while not is_finished(coordinator) if until == TRIALS else players.seen("closed") < until:
        players.alive()
        if coordinator.process.poll() is not None:
            sys.exit("the coordinator ended:\n" + (coordinator.folder / "coordinator.log").read_text()[-2000:])
        if time.time() > deadline:
            sys.exit(f"by the players' count {players.seen('closed')} trials of {until} were over after {limit:.0f} s")
        coordinator.memory()
        if time.time() - told > 20:
            told = time.time()
            resident, peak = coordinator.memory()
            say(f"{players.seen('closed'):,} trials, {players.seen('acknowledged'):,} reports acknowledged; "
                f"{resident:.0f} MiB; load {os.getloadavg()[0]:.1f}")
        time.sleep(0.25)


def campaign(folder: pathlib.Path, coordinator: Coordinator, table: Table) -> int:
    timed = SIZE != "small"
    coordinator.start()
    token = coordinator.call("invite", "--uses", str(WORKERS), "--ttl", "1d", "--token").strip()
    begin = now_ms()
    players = Players(folder, token)
    seconds = players.wait(1, begin, 300)
    say(f"{WORKERS} workers enrolled and welcomed in {seconds:.1f} s; {coordinator.memory()[0]:.0f} MiB")
    table.row("enrolment_s", f"{WORKERS} workers enrolled, each by a connection of its own", seconds, None, "s")
    if IDLE:
        time.sleep(5)
        before, start = coordinator.cpu(), time.time()
        time.sleep(IDLE)
        share = (coordinator.cpu() - before) / (time.time() - start) * 100
        table.row("idle_cpu", f"{WORKERS} idle workers", share, 5 if SIZE == "full" else None, "% core")
    begin = now_ms()
    players.say("storm")
    table.row("storm_s", f"{WORKERS} CURVE handshakes at once", players.wait(1, begin, 120), 10 if timed else None, "s")
    table.row("descriptors", "descriptors", coordinator.descriptors(), WORKERS + 64, "")

    (folder / "sweep.yaml").write_text(SWEEP.format(trials=TRIALS))
    limit = 60 + 6 * TRIALS * REPORTS / RATE
    players.say("phase steady")
    cpu, begin, reports = coordinator.cpu(), time.time(), players.seen("acknowledged")
    coordinator.call("launch", str(folder / "sweep.yaml"))
    follow(coordinator, players, TRIALS // 2, limit)
    seconds = time.time() - begin
    table.row("reports_s", "reports acknowledged", (players.seen("acknowledged") - reports) / seconds,
              2000 if SIZE == "full" else None, "1/s", least=True)
    table.row("cpu", "the coordinator's processor time", (coordinator.cpu() - cpu) / seconds * 100,
              100 if timed else None, "% core")
    if KILLS:
        players.say("phase outage")
        time.sleep(0.3)
        coordinator.kill(signal.SIGKILL)
        begin = now_ms()
        coordinator.start()
        table.row("ready_s", f"restart with {TRIALS // 2:,} trials", (now_ms() - begin) / 1000, 10 if timed else None, "s")
        table.row("readopted_s", f"all {WORKERS} re-adopted after kill -9", players.wait(2, begin, 180),
                  60 if timed else None, "s")
        # Until what had piled up is through.
        time.sleep(2 if timed else 0)
        players.say("phase steady")
    follow(coordinator, players, TRIALS, limit)
    seen = {name: players.seen(name) for name in ("overbooked", "reconnections", "abandoned")}
    phases = players.end()
    coordinator.kill(signal.SIGTERM)

    found = check(coordinator, players)
    steady = phases.get("steady", {})
    for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0)):
        bound = 250 if name == "p99_ms" and timed else None
        table.row(name, f"report to acknowledgement, {name[:-3]}", quantile(steady, share), bound, "ms")
    if KILLS:
        everything = {}
        for counts in phases.values():
            for wait, count in counts.items():
                everything[wait] = everything.get(wait, 0) + count
        table.row("p99_all_ms", "  the same, p99 with the outage", quantile(everything, 0.99), None, "ms")
        table.row("max_outage_ms", "  the longest in the outage", max(phases.get("outage") or {0: 0}), None, "ms")
    table.row("memory_mib", "the coordinator's peak memory", coordinator.peak, 512 if timed else None, "MiB")
    table.row("completed", "trials completed", found["completed"], TRIALS, least=True)
    table.row("attempts", "attempts", found["attempts"], None)
    table.row("reports", "reports in the tables", found["reports"], TRIALS * REPORTS, least=True)
    table.row("lost", "acknowledged and not in the tables", found["lost"], 0)
    table.row("wrong", "reports out of order or changed", found["wrong"], 0)
    table.row("twice", "trials with more than one attempt that started", found["twice"], 0)
    table.row("losses", "attempts that counted as lost", found["losses"], 0)
    # On a machine that stands still for 15 seconds a lease is taken back while its acceptance is under way: its worker
    # begins it, and is told to abandon it with the next beat. That changes no result.
    table.row("begun_twice", "trials that two workers began", found["begun_twice"], 0 if timed else None)
    table.row("void", "acknowledged under leases taken back", found["void"], 0 if timed else None)
    table.row("overbooked", "more trials on a worker than it has slots", seen["overbooked"], 0 if timed else None)
    table.row("forgotten", "leases that a worker was told to forget", seen["abandoned"], None)
    table.row("silences", "connections given up for silence", seen["reconnections"], None)
    say(f"{os.cpu_count()} cores for everything, load {os.getloadavg()[0]:.1f}")
    return 1 if table.failed else 0


def main() -> None:
    keep = os.environ.get("KEEP")
    folder = pathlib.Path(keep or tempfile.mkdtemp(prefix="load-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    coordinator = Coordinator(folder)
    table = Table()
    try:
        sys.exit(campaign(folder, coordinator, table))
    finally:
        # Also what was measured before it went wrong.
        table.show()
        # The players end when their standard input does.
        if coordinator.process is not None and coordinator.process.poll() is None:
            coordinator.process.kill()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
