# SPDX-License-Identifier: MIT
"""make fuzz: attacks a real daemon in rounds, each with a seed of its own, and notes in a ledger what was done.

    campaign.py --kind connections|lawless|codec --goal N [--round N] [--minutes M]

It first says how fast it goes. The ledger (kind, seed, count, commit, result, and what was measured) lets the next call
go on where this one stopped. A round in which a valid worker waited for more than a second has failed, unless the
machine let nobody run: then it is noted as starved and counts for nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(ROOT / "Tests/Attacks"), str(ROOT / "Tests/Campaigns/Chaos")]

import journal  # noqa: E402
import mutations  # noqa: E402
from canary import Canary  # noqa: E402
from daemon import Daemon  # noqa: E402
from peer import Peer, enrol, own_keys  # noqa: E402

LEDGER = Path(os.environ.get("FUZZ_LEDGER", ROOT / ".bench-cache/fuzz.ledger"))
# A valid worker is served within.
SERVED = 1.0
GROWTH_KIB = 32 << 10
THREADS = 31
# So many starved rounds in a row, and the machine is not the place to find out anything.
PATIENCE = 3


class Watcher(threading.Thread):
    """An honest worker that beats all the time, by the network and by the socket of this machine."""

    def __init__(self, daemon: Daemon, canary: Canary) -> None:
        super().__init__(daemon=True)
        self.daemon_program, self._canary = daemon, canary
        self.keys = enrol(daemon, "honest")
        self.slowest = {"beat": 0.0, "connect": 0.0}
        # What was slow by the daemon's doing, and what by the machine's.
        self.slow: list[str] = []
        self.starved: list[str] = []
        self.count = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            for place, keys in ((self.daemon_program.port, self.keys), (self.daemon_program.endpoint(), None)):
                with Peer(place, keys) as worker:
                    if not self._timed("connect", place, lambda: self._is_welcome(worker)):
                        continue
                    for _ in range(40):
                        if not self._timed("beat", place, lambda: worker.beats(5) is not None):
                            break
                        if self._ended.wait(0.05):
                            break

    @staticmethod
    def _is_welcome(worker: Peer) -> bool:
        try:
            worker.greet(5, slots=0)
        except AssertionError:
            return False
        return True

    def _timed(self, kind: str, place: int | str, request: Callable[[], bool]) -> bool:
        """Measure one; what the machine kept the daemon or this process waiting is not the daemon's slowness."""
        start, queued = time.monotonic(), self.daemon_program.seconds_queued()
        is_answered = request()
        taken = time.monotonic() - start
        self.count += 1
        self.slowest[kind] = max(self.slowest[kind], taken)
        if is_answered and taken <= SERVED:
            return True
        waited = _longest_wait(queued, self.daemon_program.seconds_queued())
        machine = max(waited, self._canary.stalled_since(start))
        text = f"{kind} at {place}: {'' if is_answered else 'no answer in '}{taken:.2f} s"
        text += f", of which the machine let nobody run for {machine:.2f} s"
        (self.slow if taken - machine > SERVED else self.starved).append(text)
        return is_answered

    def end(self) -> None:
        self._ended.set()
        self.join(10)


def _longest_wait(before: dict[int, float], after: dict[int, float]) -> float:
    """Return how long that thread waited for a processor which waited longest."""
    return max((seconds - before.get(thread, 0.0) for thread, seconds in after.items()), default=0.0)


class Verdict(Exception):
    """What went wrong."""


class TooSlow(Verdict):
    """What went wrong unless the machine was too busy."""


class Starved(Exception):
    """The machine was too busy for the round to mean anything."""


def connections(daemon: Daemon, seed: int, count: int) -> dict[str, float]:
    """Mutated connections: without a key, with one that nobody knows, with one that is known, and over ipc."""
    known = enrol(daemon, "fuzzer")
    stranger = own_keys(known.server)
    tcp = ("127.0.0.1", daemon.port)
    targets = [
        mutations.Target(tcp, (known.server, known.public, known.secret)),
        mutations.Target(tcp, (known.server, stranger.public, stranger.secret)),
        mutations.Target(daemon.endpoint().removeprefix("ipc://"), None),
    ]
    kinds: dict[str, int] = {}

    def share(first: int) -> None:
        for number in range(first, count, THREADS):
            rnd = random.Random(f"{seed}-{number}")
            kind = mutations.attack(targets[number % len(targets)], rnd)
            kinds[kind] = kinds.get(kind, 0) + 1
            if number % 500 == first and not daemon.is_alive:
                raise Verdict(f"the daemon ended before connection {number} of seed {seed}")

    # Each waits most of its time for an answer that does not come.
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(share, first) for first in range(THREADS)]:
            try:
                done.result()
            except OSError as error:
                raise Verdict(f"seed {seed}: the daemon takes no connection: {error}") from error
    return kinds


class HonestWorker:
    """Keeps the rules: holds one trial all the while, and runs others to their ends."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self._rnd = random.Random(f"honest-{seed}")
        self.peer = Peer(daemon.port, enrol(daemon, "worker"))
        # What the tables must say in the end, and what each of its attempts reported.
        self.values: dict[int, float] = {}
        self.reported: dict[int, list[float]] = {}
        self._over: set[int] = set()
        self.held: dict[str, Any] = {}

    def begin(self) -> None:
        """Run a trial, lest the first failures of another pause the sweep, and take the one that is held."""
        self.peer.greet(slots=2, commands=True)
        self.run_one()
        self.held = self._next()
        self._acknowledged({"fence": int(self.held["fence"]), "seq": 1, "kind": "started"})

    @property
    def fences(self) -> list[int]:
        """Return what it holds."""
        return [fence for fence in self.peer.leases if fence not in self._over]

    def beat(self) -> None:
        """Say what it holds: nothing that it does not name may stay its own."""
        held = int(self.held["fence"])
        leases = [{"fence": str(fence), "last_seq": int(fence == held), "acked": 0} for fence in self.fences]
        self.peer.say("beat", leases=leases)
        if self.peer.hear("beat", 10) is None:
            raise TooSlow("the honest worker is not answered")

    def run_one(self) -> None:
        """Run a trial from its first report to its end."""
        self._finish(self._next(), 1, {"kind": "started"})

    def end(self) -> None:
        """Bring the held trial to its end."""
        self._finish(self.held, 2)
        # Else the next round's lease is offered to this one first.
        self.peer.say("bye", reason="done")
        self.peer.close()

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for fence in self.fences:
                if fence != int(self.held.get("fence", 0)):
                    lease = self.peer.leases[fence]
                    self.peer.say("accept", fence=str(fence), digest=lease["params_digest"])
                    return lease
            self.peer.hear("leases", 1)
        raise TooSlow("the honest worker gets no trial")

    def _finish(self, lease: dict[str, Any], first: int, *before: dict[str, object]) -> None:
        fence, losses = int(lease["fence"]), [self._rnd.random() for _ in range(self._rnd.randint(1, 5))]
        reports = [{"kind": "report", "step": step, "metrics": {"loss": loss}} for step, loss in enumerate(losses, 1)]
        events = [*before, *reports, {"kind": "finished", "outcome": "completed"}]
        self._acknowledged(*({"fence": fence, "seq": seq, **event} for seq, event in enumerate(events, first)))
        self._over.add(fence)
        self.values[int(lease["trial"])], self.reported[fence] = min(losses), losses

    def _acknowledged(self, *events: dict[str, Any]) -> None:
        # Whoever claims to hold a fence near 2^53 drives all later ones beyond it, where integers are strings.
        self.peer.events(*({**event, "fence": str(event["fence"])} for event in events))
        wanted = events[-1]["fence"], events[-1]["seq"]
        until = time.monotonic() + 10
        while (ack := self.peer.hear("ack", until - time.monotonic())) is not None:
            if wanted in [(int(one["fence"]), int(one["seq"])) for one in ack["sequences"]]:
                return
        raise TooSlow(f"the honest worker's events are not taken: {events}")


class LawlessWorker:
    """Has a key and leases of its own, and keeps no rule, neither about these nor about those of others."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self._rnd = random.Random(f"lawless-{seed}")
        self.peer = Peer(daemon.port, enrol(daemon, "lawless"))
        self.held: dict[int, mutations.Held] = {}
        self.answers = self.own = self.leases = 0
        self._idle = 0
        self.appear()

    def appear(self) -> None:
        """Say hello as a process that nobody knows: one known for its deeds would have to rest before its next lease."""
        self.peer.boot = f"{self._rnd.getrandbits(128):032x}"
        self.peer.leases.clear()
        self.peer.greet(slots=2, commands=True)
        self.peer.hear("leases", 0.2)
        self._idle = 0
        for fence, lease in self.peer.leases.items():
            self._take(fence, lease["params_digest"])

    def say_something(self, others: list[int]) -> None:
        """Send one message, mostly well-formed, most often unlawful."""
        live = [held for held in self.held.values() if not held.is_over]
        self._idle = 0 if live else self._idle + 1
        if self.held and self._rnd.random() < OWN:
            # Of what is over too, and as often by the rules as not: else no lease would come far.
            is_lawful = bool(live) and self._rnd.random() < 0.5
            held = self._rnd.choice(live if is_lawful else list(self.held.values()))
            step = (mutations.lawful_step if is_lawful else mutations.lawless_step)(self._rnd, held)
            self.peer.send(mutations.MAGIC, json.dumps({"s": self.peer.session, "e": self.peer.epoch, **step}).encode())
            self.own += 1
        else:
            fences = [*others, *self.held]
            self.peer.send(*mutations.lawless(self._rnd, fences, self.peer.session, self.peer.epoch))

    def listen(self) -> None:
        """Take what has come."""
        while self.peer.socket.poll(0):
            body = json.loads(self.peer.socket.recv_multipart()[-1])
            self.answers += 1
            if body.get("t") == "welcome":
                self.peer.session = body["s"]
            elif body.get("t") == "leases":
                for lease in body["leases"]:
                    self._take(int(lease["fence"]), lease["params_digest"])
            elif body.get("t") == "nack":
                for gap in body["sequences"]:
                    if held := self.held.get(int(gap["fence"])):
                        held.seq = int(gap["seq"]) - 1
        if self._idle > 50:
            self.peer.say("bye", reason="nothing to spoil")
            self.appear()

    def _take(self, fence: int, digest: str) -> None:
        if fence not in self.held:
            self.leases += 1
            self.held[fence] = mutations.Held(fence, digest)
            # Some of those that are over are kept, to be spoken of again.
            while len(self.held) > 12:
                del self.held[next(iter(self.held))]


# The share of the lawless messages that are about the lawless worker's own leases.
OWN = 0.3


def lawless(daemon: Daemon, seed: int, count: int) -> dict[str, float]:
    """Messages of a worker that was let in and keeps no rule; an honest one's trials are not touched."""
    name = f"victims-{seed}"
    daemon.launch(name, count)
    honest = HonestWorker(daemon, seed)
    honest.begin()
    bad = LawlessWorker(daemon, seed)
    for number in range(count):
        bad.say_something(honest.fences)
        bad.listen()
        if number % 500 == 0:
            # Let it follow, so that what is measured is the coordinator and not the queue between.
            honest.beat()
            honest.run_one()
        if number % 5000 == 0:
            bad.appear()
    honest.end()
    bad.peer.close()
    trials = {trial["trial"]: trial for trial in daemon.trials(name)}
    for number, value in honest.values.items():
        if (trials[number]["state"], trials[number]["value"]) != ("completed", value):
            raise Verdict(f"seed {seed}: an honest worker ended trial {number} with {value}, it is {trials[number]}")
    judge(daemon, name, honest)
    daemon.run("cancel", name)
    return {"answers": bad.answers, "own": bad.own, "leases": bad.leases, "honest": len(honest.values)}


def judge(daemon: Daemon, name: str, honest: HonestWorker) -> None:
    """Read the journal: no attempt says anything out of order or after its end, and no trial ends by two of them."""
    last: dict[int, int] = {}
    trial_of: dict[int, tuple[int, int]] = {}
    closed: set[int] = set()
    settled: dict[tuple[int, int], int] = {}
    reports: dict[int, list[float]] = {}
    for entry in journal.entries(daemon.data):
        kind, fence = entry["e"], entry.get("fence")
        if kind == "leased":
            trial_of[fence] = entry["sweep"], entry["trial"]
            if trial_of[fence] in settled:
                raise Verdict(f"trial {entry['trial']} is leased although attempt {settled[trial_of[fence]]} ended it")
        elif kind == "trial_retried":
            settled.pop((entry["sweep"], entry["trial"]), None)
        if kind in ("observed", "ended"):
            if entry["seq"] != last.get(fence, 0) + 1:
                raise Verdict(f"attempt {fence}: {entry['seq']} follows {last.get(fence, 0)}")
            last[fence] = entry["seq"]
            if entry.get("type") == "report":
                reports.setdefault(fence, []).append(entry["metrics"].get("loss"))
        if kind in ("accepted", "observed", "ended", "released"):
            if fence in closed:
                raise Verdict(f"attempt {fence} was over when this was taken of it: {entry}")
            if kind in ("ended", "released"):
                closed.add(fence)
                if entry["then"] in journal.OVER:
                    settled[trial_of[fence]] = fence
    for fence, losses in honest.reported.items():
        if reports.get(fence) != losses:
            raise Verdict(f"{name}: the honest attempt {fence} reported {losses}, in the journal are {reports.get(fence)}")


def codec(seed: int, count: int) -> dict[str, float]:
    """Damaged texts, by the program that was built for it."""
    program = os.environ.get("CODEC_FUZZ", str(ROOT / ".build/release/codec-fuzz"))
    done = subprocess.run([program, str(seed), str(count), str(ROOT)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Verdict(f"codec-fuzz {seed} {count}: {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    result = next(line for line in done.stdout.splitlines() if line.startswith("result:"))
    return {name: float(value) for name, value in (part.split("=") for part in result.split()[1:])}


def one_round(
    kind: str, seed: int, count: int, tell_rate: Callable[[float], None] = lambda _: None
) -> dict[str, float]:
    """Run one, and judge it."""
    warm = max(200, count // 20)
    if kind == "codec":
        start = time.monotonic()
        codec(seed + 1_000_000, warm)
        tell_rate(warm / (time.monotonic() - start))
        return codec(seed, count)
    attack = connections if kind == "connections" else lawless
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, Canary() as canary:
        daemon = Daemon(Path(folder), env={"SWIFT_BACKTRACE": "enable=yes,color=no"}).start()
        watcher = Watcher(daemon, canary)
        try:
            # Warm: what is measured is growth, not the first use of everything.
            start = time.monotonic()
            attack(daemon, seed + 1_000_000, warm)
            tell_rate(warm / (time.monotonic() - start))
            before, files = daemon.resident_kib(), daemon.files()
            watcher.start()
            start = time.monotonic()
            found = attack(daemon, seed, count)
            seconds = time.monotonic() - start
            watcher.end()
            if not daemon.is_alive:
                raise Verdict(_ending(daemon))
            time.sleep(0.5)
            growth, more = daemon.resident_kib() - before, daemon.files() - files
            daemon.stop()
            daemon.run("verify", "--data", str(daemon.data), timeout=300)
        except (TooSlow, AssertionError, subprocess.TimeoutExpired) as failure:
            if not daemon.is_alive:
                raise Verdict(_ending(daemon)) from failure
            if canary.is_starved:
                raise Starved(f"{failure}; a nap took {canary.worst:.2f} s longer than it should") from failure
            raise Verdict(str(failure)) from failure
        finally:
            watcher.end() if watcher.is_alive() else None
            daemon.stop()
    if watcher.slow:
        raise Verdict(f"a valid worker was not served: {watcher.slow[0]} ({len(watcher.slow)} times)")
    if growth > GROWTH_KIB or more > 30:
        raise Verdict(f"it grows: {growth} KiB, {more} descriptors")
    if watcher.starved:
        raise Starved(f"{watcher.starved[0]} ({len(watcher.starved)} times)")
    return found | {
        "rate": count / seconds,
        "growth_kib": growth,
        "files": more,
        "slowest_beat": watcher.slowest["beat"],
        "slowest_connect": watcher.slowest["connect"],
        "stall": canary.worst,
        "served": watcher.count,
    }


def _ending(daemon: Daemon) -> str:
    """Say how it ended: with the crash, where it left one, else with its last words."""
    log = daemon.log()
    crash = log.find("crashed:")
    last = log[crash : crash + 1500] if crash >= 0 else log[-2000:]
    return f"the daemon ended with {daemon.process.poll()}: {last}"


class Ledger:
    """The rounds of one kind that were ever played."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        LEDGER.parent.mkdir(parents=True, exist_ok=True)
        LEDGER.touch()
        lines = [line.split() for line in LEDGER.read_text().splitlines()]
        mine = [line for line in lines if line[0] == kind]
        self.total = sum(int(line[2]) for line in mine if self._counts(line))
        self.next_seed = max((int(line[1]) for line in mine), default=0) + 1

    def _counts(self, line: list[str]) -> bool:
        """Whether a round would pass today: once, a slow answer was only noted, and no lawless worker had leases."""
        figures = {name: float(value) for name, _, value in (part.partition("=") for part in line[5].split(",")) if value}
        slowest = max(figures.get("slowest_beat", 0.0), figures.get("slowest_connect", 0.0))
        return line[4] == "passed" and slowest <= SERVED and (self._kind != "lawless" or "own" in figures)

    def add(self, seed: int, count: int, commit: str, verdict: str, about: str) -> None:
        """Note a round."""
        with open(LEDGER, "a") as ledger:
            ledger.write(f"{self._kind} {seed} {count} {commit} {verdict} {about or '-'}\n")
        self.total += count if verdict == "passed" else 0


def main() -> int:
    """Go on until the goal is reached or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("connections", "lawless", "codec"), required=True)
    parser.add_argument("--goal", type=int, required=True)
    parser.add_argument("--round", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    options = parser.parse_args()
    ledger = Ledger(options.kind)
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    until = time.monotonic() + options.minutes * 60
    head = f"fuzz: {options.kind}"
    print(f"{head}: {ledger.total} of {options.goal} so far; on from seed {ledger.next_seed}", flush=True)
    has_told = False

    def tell_rate(rate: float) -> None:
        nonlocal has_told
        left = options.goal - ledger.total
        if not has_told:
            print(f"{head}: about {rate:.0f} a second; the {left} that are left take {left / rate / 60:.1f} min", flush=True)
        has_told = True

    starved = 0
    for seed in itertools.count(ledger.next_seed):
        if ledger.total >= options.goal or time.monotonic() >= until:
            break
        count = min(options.round, options.goal - ledger.total)
        try:
            figures, verdict, why = one_round(options.kind, seed, count, tell_rate), "passed", ""
        except Starved as reason:
            figures, verdict, why = {}, "starved", f"the machine was too busy, it counts for nothing: {reason}"
        except (Verdict, AssertionError) as failure:
            figures, verdict, why = {}, "failed", str(failure)
        about = ",".join(f"{name}={value:.3g}" for name, value in figures.items() if value)
        ledger.add(seed, count, commit, verdict, about)
        told = f"{count} {about}" if verdict == "passed" else f"{verdict}: {why}"
        print(f"{head} seed {seed}: {told}; {ledger.total} of {options.goal}", flush=True)
        starved = starved + 1 if verdict == "starved" else 0
        if verdict == "failed":
            return 1
        if starved == PATIENCE:
            print(f"{head}: {starved} starved rounds in a row: again when the machine is less busy")
            return 3
    print(f"result: fuzz_{options.kind}={ledger.total}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
