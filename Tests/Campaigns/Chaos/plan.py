# SPDX-License-Identifier: MIT
"""A seed's run: which sweep, which workers, which faults when. The same seed gives the same plan."""

import random
from dataclasses import dataclass, field

from proxy import FAULTS

# Seconds. Healthy are all cuts that are shorter than CUT: no lease may be lost for them.
HEARTBEAT, SUSPECT, LEASE, GRACE = 0.3, 1.2, 4.0, 8.0
TIMERS = f"heartbeat:{HEARTBEAT},suspect:{SUSPECT},lease:{LEASE},grace:{GRACE},offer:4,rest:2,quarantine:5"
CUT = 1.5
TRIALS, STEPS = 20, 12

KINDS = (
    "coordinator-kill",
    "failpoint",
    "worker-kill",
    "pause",
    "partition",
    "proxy",
    "disk-full",
    "clock",
    "second-coordinator",
    "resume",
    "mixed",
    "leave",
)
FAILPOINTS = ("before_commit", "after_commit", "before_send", "after_send", "before_enrolment", "after_enrolment")
REVOCATIONS = ("before_revocation", "after_revocation")
# One more than the losses that a trial is allowed, and one more again.
HAND_BACKS = 5


@dataclass
class Plan:
    """What a run does."""

    seed: int
    kind: str
    method: str
    sweep_seed: int
    stops_early: bool
    # Kinds of workers, in order: native and python ones over TCP, local ones over ipc.
    workers: list[tuple[str, int]]
    own_slots: int
    seconds_per_step: float
    checkpoint_every: int
    # (time, action, argument); times are since the trials began.
    faults: list[tuple[float, str, object]] = field(default_factory=list)
    # Workers whose leases may be lost: they were killed, or away for longer than a lease lives.
    may_lose: set[int] = field(default_factory=set)
    trials: int = TRIALS

    def shorten(self, seconds=3.5, trials=10):
        """Keep what happens in the first seconds; whatever is still broken then is mended at the end in any case."""
        self.faults = [fault for fault in self.faults if fault[0] < seconds]
        self.trials = min(self.trials, trials)


def drawn(seed, kind=None):
    """Draw the plan of a seed."""
    kind = kind or KINDS[seed % len(KINDS)]
    chance = random.Random(f"{seed} {kind}")
    workers = [("native", chance.randint(1, 2)), ("python", chance.randint(1, 2))]
    # On a full disk a local worker has no place for its trials' files: that is its trials' affair, and another test's.
    if kind != "disk-full" and chance.random() < 0.7:
        workers.append(("local", 1))
    if chance.random() < 0.4:
        workers.append((chance.choice(["native", "python"]), 1))
    plan = Plan(
        seed=seed,
        kind=kind,
        method=chance.choice(["random", "sobol", "grid"]),
        sweep_seed=chance.randint(1, 3),
        stops_early=chance.random() < 0.3,
        workers=workers,
        # The library that fakes a clock would follow the coordinator's own worker into its trials.
        own_slots=chance.choice([0, 0, 1]) if kind not in ("disk-full", "clock", "mixed") else 0,
        seconds_per_step=chance.uniform(0.06, 0.12),
        checkpoint_every=chance.randint(2, 5),
    )
    if kind == "leave":
        # Few and long: one of them has to be handed back again and again.
        plan.trials, plan.seconds_per_step, plan.stops_early = 6, chance.uniform(0.5, 0.6), False
    if kind != "resume":
        _Schedule(plan, chance).fill()
    plan.faults.sort(key=lambda fault: fault[0])
    return plan


class _Schedule:
    def __init__(self, plan, chance):
        self._plan, self._chance = plan, chance
        self._remote = [index for index, (kind, _) in enumerate(plan.workers) if kind != "local"]

    def _at(self, time, action, argument=None):
        self._plan.faults.append((time, action, argument))

    def _outages(self, count, start=0.3, end=6.0, **how):
        """Kills of the coordinator, each followed by a new one before the next."""
        times = sorted(self._chance.uniform(start, end) for _ in range(count))
        for number, time in enumerate(times):
            self._at(time, "kill-coordinator")
            latest = times[number + 1] - time if number + 1 < len(times) else 2.0
            self._at(time + self._chance.uniform(0, min(1.5, latest)), "start-coordinator", dict(how))

    def fill(self):
        """Add the kind's faults, and in every third run some kills besides."""
        getattr(self, "_" + self._plan.kind.replace("-", "_"))()
        if self._plan.kind in ("worker-kill", "pause", "partition", "proxy") and self._chance.random() < 0.35:
            self._outages(self._chance.randint(1, 2))

    def _coordinator_kill(self):
        self._outages(self._chance.randint(3, 8))

    def _failpoint(self):
        time = 0.3
        for _ in range(self._chance.randint(3, 5)):
            name = self._chance.choice(FAILPOINTS)
            count = 1 if "enrolment" in name else self._chance.randint(1, 15)
            self._at(time, "strike", f"{name}:{count}")
            time += self._chance.uniform(0.3, 1.2)

    def _worker_kill(self):
        victims = self._chance.choices(range(len(self._plan.workers)), k=self._chance.randint(2, 3))
        for victim in victims:
            time = self._chance.uniform(0.5, 5)
            self._at(time, "kill-worker", victim)
            self._plan.may_lose.add(victim)
        for _ in range(self._chance.randint(0, 2)):
            self._at(self._chance.uniform(1.5, 5), "kill-child", None)

    def _pause(self):
        for _ in range(self._chance.randint(2, 3)):
            time = self._chance.uniform(0.3, 4)
            if self._chance.random() < 0.4:
                # The whole machine of the coordinator stands still: no worker's fault, however long.
                self._at(time, "stop-coordinator")
                self._at(time + self._chance.choice([0.5, 1.5, 5, 9]), "continue-coordinator")
                continue
            victim = self._chance.randrange(len(self._plan.workers))
            long = self._chance.random() < 0.4
            if long:
                self._plan.may_lose.add(victim)
            self._at(time, "stop-worker", victim)
            self._at(time + (3 * LEASE if long else self._chance.uniform(0.3, CUT)), "continue-worker", victim)

    def _partition(self):
        time = 0.4
        for _ in range(self._chance.randint(2, 4)):
            long = self._chance.random() < 0.2
            length = LEASE * 1.5 if long else self._chance.uniform(0.2, CUT)
            if long:
                self._plan.may_lose.update(self._remote)
            self._at(time, "cut", self._chance.choice(["down", "to-coordinator", "to-workers"]))
            self._at(time + length, "mend")
            # The workers come back before the next cut, or several short ones would be one long one.
            time += length + self._chance.uniform(2.5, 3.5)

    def _proxy(self):
        time = 0.4
        for _ in range(self._chance.randint(2, 4)):
            length = self._chance.uniform(0.3, CUT)
            self._at(time, "begin-fault", (self._chance.choice(self._remote), self._chance.choice(FAULTS)))
            self._at(time + length, "end-faults")
            time += length + self._chance.uniform(2.5, 3.5)

    def _mixed(self):
        """Some of everything that one machine can do at once, overlapping."""
        self._outages(self._chance.randint(1, 3))
        for victim in self._chance.choices(range(len(self._plan.workers)), k=2):
            self._at(self._chance.uniform(0.5, 5), "kill-worker", victim)
        self._at(self._chance.uniform(1.5, 5), "kill-child")
        for _ in range(2):
            time = self._chance.uniform(0.3, 4)
            self._at(time, "begin-fault", (self._chance.choice(self._remote), self._chance.choice(FAULTS)))
            self._at(time + self._chance.uniform(0.3, 1.5 * LEASE), "end-faults")
        time, victim = self._chance.uniform(0.3, 4), self._chance.randrange(len(self._plan.workers))
        self._at(time, "stop-worker", victim)
        self._at(time + self._chance.uniform(0.3, 1.5 * LEASE), "continue-worker", victim)
        time = self._chance.uniform(0.3, 4)
        self._at(time, "stop-coordinator")
        self._at(time + self._chance.uniform(0.3, 3), "continue-coordinator")
        self._at(self._chance.uniform(0.5, 5), "jump-clock", self._chance.choice([86_400, -86_400, 3600, -3600]))
        self._at(self._chance.uniform(0.5, 5), "start-second")
        self._plan.may_lose.update(range(len(self._plan.workers)))

    def _disk_full(self):
        time = 0.6
        for _ in range(self._chance.randint(1, 2)):
            length = self._chance.choice([0.5, 2.0, LEASE * 1.5])
            self._at(time, "fill-disk")
            if self._chance.random() < 0.4:
                moment = time + self._chance.uniform(0.1, length * 0.6)
                self._at(moment, "kill-coordinator")
                # It may not even start on a full disk: that is allowed, and tried again when there is space.
                self._at(time + length + 0.2, "start-coordinator", {})
            self._at(time + length, "free-disk")
            time += length + self._chance.uniform(2.0, 3.0)

    def _leave(self):
        """These take as long as they take: what follows waits for what is before it."""
        native = [index for index, (kind, _) in enumerate(self._plan.workers) if kind != "python"]
        victim = self._chance.choice(self._remote)
        # What it held is lost with its key, which may be noticed only when it has been silent for a lease.
        self._plan.may_lose.add(victim)
        acts = [("hand-back", None)] * HAND_BACKS
        acts.insert(self._chance.choice([0, HAND_BACKS]), ("drain", self._chance.choice(native)))
        # Last: it takes so long that the others would come to the end of their trials meanwhile.
        acts.append(("revoke", (victim, self._chance.choice(REVOCATIONS))))
        for number, (action, argument) in enumerate(acts):
            self._at(0.3 + 0.1 * number, action, argument)

    def _clock(self):
        day = 86_400
        time = 0.5
        for _ in range(self._chance.randint(3, 6)):
            if self._chance.random() < 0.35:
                self._at(time, "restart-coordinator", {"booted": self._chance.choice([day, 30 * day, 3600])})
            else:
                self._at(time, "jump-clock", self._chance.choice([day, -day, 3600, -3600, 61, -61, 365 * day, 0]))
            time += self._chance.uniform(0.6, 1.6)

    def _second_coordinator(self):
        for _ in range(self._chance.randint(2, 3)):
            self._at(self._chance.uniform(0.5, 5), "start-second")
        if self._chance.random() < 0.5:
            self._outages(1, start=2.0, end=5.0)
