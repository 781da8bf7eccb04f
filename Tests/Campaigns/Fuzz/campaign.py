# SPDX-License-Identifier: MIT
"""make fuzz: attacks a real daemon in rounds, each with a seed of its own, and notes in a ledger what was done.

    campaign.py --kind connections|lawless|codec --goal N [--round N] [--minutes M]

The ledger (kind, seed, count, commit, result, and what was measured) lets the next call go on where this one stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(ROOT / "Tests/Attacks")]

import mutations  # noqa: E402
from daemon import Daemon  # noqa: E402
from peer import Peer, enrol, own_keys  # noqa: E402

LEDGER = Path(os.environ.get("FUZZ_LEDGER", ROOT / ".bench-cache/fuzz.ledger"))
# A valid worker is served within.
SERVED = 1.0
GROWTH_KIB = 32 << 10
THREADS = 31


class Watcher(threading.Thread):
    """An honest worker that beats all the time, by the network and by the socket of this machine."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self.daemon_program = daemon
        self.keys = enrol(daemon, "honest")
        self.slowest = {"beat": 0.0, "connect": 0.0}
        self.lost: list[str] = []
        self.count = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            for place, keys in ((self.daemon_program.port, self.keys), (self.daemon_program.endpoint(), None)):
                start = time.monotonic()
                with Peer(place, keys) as worker:
                    try:
                        worker.greet(5, slots=0)
                    except AssertionError:
                        self.lost.append(f"no welcome at {place}")
                        continue
                    self._note("connect", time.monotonic() - start)
                    for _ in range(40):
                        taken = worker.beats(5)
                        if taken is None:
                            self.lost.append(f"no answer to a beat at {place}")
                            break
                        self._note("beat", taken)
                        if self._ended.wait(0.05):
                            break

    def _note(self, kind: str, taken: float) -> None:
        self.count += 1
        self.slowest[kind] = max(self.slowest[kind], taken)

    def end(self) -> None:
        self._ended.set()
        self.join(10)


class Verdict(Exception):
    """What went wrong."""


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


def lawless(daemon: Daemon, seed: int, count: int) -> dict[str, float]:
    """Messages of a worker that was let in and keeps no rule; an honest one's trial is not touched."""
    daemon.launch(f"victim-{seed}", 1)
    with Peer(daemon.port, enrol(daemon, "worker")) as honest, Peer(daemon.port, enrol(daemon, "lawless")) as bad:
        honest.greet(commands=True)
        fence = int(honest.lease(20)["fence"])
        honest.events({"fence": fence, "seq": 1, "kind": "started"})
        honest.hear("ack")
        bad.greet(slots=0)
        rnd = random.Random(f"lawless-{seed}")
        answers = 0
        for number in range(count):
            bad.send(*mutations.lawless(rnd, [fence], bad.session, bad.epoch))
            while bad.socket.poll(0):
                body = json.loads(bad.socket.recv_multipart()[-1])
                answers += 1
                if body.get("t") == "welcome":
                    bad.session = body["s"]
            if number % 500 == 0:
                # Let it follow, so that what is measured is the coordinator and not the queue between.
                honest.say("beat", leases=[{"fence": fence, "last_seq": 1, "acked": 1}])
                if honest.hear("beat", 10) is None:
                    raise Verdict(f"the honest worker is not answered at message {number} of seed {seed}")
            if number % 5000 == 0:
                bad.greet(slots=0)
        honest.events(
            {"fence": fence, "seq": 2, "kind": "report", "step": 1, "metrics": {"loss": 0.5}},
            {"fence": fence, "seq": 3, "kind": "finished", "outcome": "completed"},
        )
        ack = honest.hear("ack", 10)
        if ack is None or ack["sequences"][0]["seq"] != 3:
            raise Verdict(f"the honest worker's events are not taken: {ack}")
        # Else the next round's lease is offered to this one first.
        honest.say("bye", reason="done")
        trial = daemon.trials(f"victim-{seed}")[0]
        if trial["state"] != "completed" or trial["value"] != 0.5:
            raise Verdict(f"the honest worker's trial is {trial}")
    return {"answers": answers}


def codec(seed: int, count: int) -> dict[str, float]:
    """Damaged texts, by the program that was built for it."""
    program = os.environ.get("CODEC_FUZZ", str(ROOT / ".build/release/codec-fuzz"))
    done = subprocess.run([program, str(seed), str(count), str(ROOT)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Verdict(f"codec-fuzz {seed} {count}: {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    result = next(line for line in done.stdout.splitlines() if line.startswith("result:"))
    return {name: float(value) for name, value in (part.split("=") for part in result.split()[1:])}


def one_round(kind: str, seed: int, count: int) -> dict[str, float]:
    """Run one, and judge it."""
    if kind == "codec":
        return codec(seed, count)
    attack = connections if kind == "connections" else lawless
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        daemon = Daemon(Path(folder)).start()
        watcher = Watcher(daemon)
        try:
            # Warm: what is measured is growth, not the first use of everything.
            attack(daemon, seed + 1_000_000, max(200, count // 20))
            before, files = daemon.resident_kib(), daemon.files()
            watcher.start()
            start = time.monotonic()
            found = attack(daemon, seed, count)
            seconds = time.monotonic() - start
            watcher.end()
            if not daemon.is_alive:
                raise Verdict(f"the daemon ended: {daemon.log()[-2000:]}")
            time.sleep(0.5)
            growth, more = daemon.resident_kib() - before, daemon.files() - files
            daemon.stop()
            daemon.run("verify", "--data", str(daemon.data), timeout=300)
        finally:
            watcher.end() if watcher.is_alive() else None
            daemon.stop()
    if watcher.lost:
        raise Verdict(f"a valid worker was not served: {watcher.lost[0]} ({len(watcher.lost)} times)")
    if growth > GROWTH_KIB or more > 30:
        raise Verdict(f"it grows: {growth} KiB, {more} descriptors")
    return found | {
        "rate": count / seconds,
        "growth_kib": growth,
        "files": more,
        "slowest_beat": watcher.slowest["beat"],
        "slowest_connect": watcher.slowest["connect"],
        "served": watcher.count,
    }


def main() -> int:
    """Go on until the goal is reached or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("connections", "lawless", "codec"), required=True)
    parser.add_argument("--goal", type=int, required=True)
    parser.add_argument("--round", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    options = parser.parse_args()
    LEDGER.parent.mkdir(parents=True, exist_ok=True)
    LEDGER.touch()
    lines = [line.split() for line in LEDGER.read_text().splitlines()]
    mine = [line for line in lines if line[0] == options.kind]
    total = sum(int(line[2]) for line in mine if line[4] == "passed")
    seed = max((int(line[1]) for line in mine), default=0) + 1
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    until = time.monotonic() + options.minutes * 60
    print(f"fuzz: {options.kind}: {total} of {options.goal} so far")
    while total < options.goal and time.monotonic() < until:
        count = min(options.round, options.goal - total)
        try:
            figures, verdict = one_round(options.kind, seed, count), "passed"
        except (Verdict, AssertionError) as failure:
            print(f"fuzz: {options.kind} seed {seed}: {failure}")
            figures, verdict = {}, "failed"
        about = ",".join(f"{name}={value:.3g}" for name, value in figures.items() if value)
        with open(LEDGER, "a") as ledger:
            ledger.write(f"{options.kind} {seed} {count} {commit} {verdict} {about or '-'}\n")
        if verdict == "failed":
            return 1
        total += count
        slow = max(figures.get("slowest_beat", 0), figures.get("slowest_connect", 0))
        note = f" (a valid worker waited {slow:.2f} s)" if slow > SERVED else ""
        print(f"fuzz: {options.kind} seed {seed}: {count} {about}; {total} of {options.goal}{note}", flush=True)
        seed += 1
    print(f"result: fuzz_{options.kind}={total}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
