# SPDX-License-Identifier: MIT
"""What must hold when a run is over, told from the journal and from what workers were told to be durable."""

import json
from collections import Counter, defaultdict

import journal
import plan as plans
from training import value


def _lines(path):
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []


class Checks:
    """Collects what is wrong, in words."""

    def __init__(self, plan, folder, worker_of, expected):
        self.plan, self.folder = plan, folder
        self._worker_of, self._expected = worker_of, expected
        self.problems = []
        self.figures = {}

    def all(self, seen_ended):
        """Make every check; return what is wrong."""
        self.entries = journal.entries(self.folder / "data")
        self._read()
        self._attempts()
        self._trials(seen_ended)
        self._oracles()
        self._losses()
        self._resumptions()
        self._configurations()
        for complaint in _lines(self.folder / "complaints"):
            self._wrong(f"an attempt went on from something else than its checkpoint: {complaint}")
        return self.problems

    def _wrong(self, text):
        self.problems.append(text)

    def _read(self):
        self.stored = {}
        self.leases, self.closed, self.releases = {}, {}, {}
        self.configurations, self.settled = {}, defaultdict(list)
        self.workers = {}
        self.last_epoch = 0
        for number, entry in enumerate(self.entries, 1):
            kind = entry["e"]
            if kind in ("observed", "ended"):
                key = entry["fence"], entry["seq"]
                if key in self.stored:
                    self._wrong(f"event {key} is in the journal twice")
                self.stored[key] = entry
            if kind == "coordinator_started":
                if entry["epoch"] != self.last_epoch + 1:
                    self._wrong(f"epoch {entry['epoch']} follows {self.last_epoch}")
                self.last_epoch = entry["epoch"]
            elif kind == "worker_joined":
                own = "the coordinator's own" if entry["local"] else None
                self.workers[entry["worker"]] = self._worker_of.get(entry["pid"], own)
            elif kind == "proposed":
                self.configurations[entry["trial"]] = entry["configuration"]
            elif kind == "leased":
                self._leased(entry, number)
            elif kind == "readopted":
                self._readopted(entry, number)
            if kind in ("accepted", "observed", "ended", "released") and entry["fence"] in self.closed:
                self._wrong(f"event {number} ({kind}) is about attempt {entry['fence']}, which was over")
            if kind in ("ended", "released"):
                self.closed[entry["fence"]] = entry
                trial = self.leases[entry["fence"]]["trial"]
                self.live.discard(trial)
                if kind == "released":
                    self.releases[entry["fence"]] = entry
                if entry["then"] in journal.OVER:
                    self.settled[trial].append(entry)

    def _readopted(self, entry, number):
        """A worker that was only late goes on, unless another has been given the trial."""
        fence = entry["fence"]
        released = self.releases.pop(fence, None)
        if released is None or released["reason"] != "lost" or released["then"] != "queued":
            self._wrong(f"event {number}: attempt {fence} goes on, and was not lost: {released}")
            return
        del self.closed[fence]
        trial = self.leases[fence]["trial"]
        if trial in self.live or fence != max(known for known, lease in self.leases.items() if lease["trial"] == trial):
            self._wrong(f"event {number}: attempt {fence} goes on although trial {trial} was given to another")
        self.live.add(trial)

    def _leased(self, entry, number):
        if not self.leases:
            self.live = set()
        fence, trial = entry["fence"], entry["trial"]
        if self.leases and fence <= max(self.leases):
            self._wrong(f"attempt {fence} was begun after a higher one")
        if trial in self.live:
            self._wrong(f"event {number}: trial {trial} has two attempts at once")
        if self.settled[trial]:
            self._wrong(f"event {number}: trial {trial} is leased although it is over")
        self.leases[fence] = entry
        self.live.add(trial)

    def _attempts(self):
        sequences = defaultdict(list)
        for fence, sequence in self.stored:
            sequences[fence].append(sequence)
        for fence, found in sequences.items():
            if found != list(range(1, len(found) + 1)):
                self._wrong(f"the events of attempt {fence} have gaps or are out of order: {found}")

            # What a worker may not do for it is told before an attempt starts; all else is told of one that has started.
            types = [self.stored[fence, sequence]["type"] for sequence in found]
            begun = [kind for kind in types if kind != "warning"]
            if begun[:1] not in ([], ["started"], ["failed"]) or begun.count("started") > 1:
                self._wrong(f"attempt {fence} did not start once and first: {types}")

    def _trials(self, seen_ended):
        rows = journal.trials(self.folder / "data")
        total = self._expected["total"]
        if sorted(rows) != list(range(total)) and sorted(rows) != list(range(1, total + 1)):
            self._wrong(f"there are {len(rows)} trials instead of {total}")
        states = Counter(row[0] for row in rows.values())
        allowed = {"completed", "stopped"} if self.plan.stops_early else {"completed"}
        for number in [number for number, row in rows.items() if row[0] == "failed"]:
            last = self.settled[number][-1] if self.settled[number] else {}
            if last.get("reason") == "lost":
                # Where workers may be lost at all, one more is no wonder; else each loss is told of as well.
                self._wrong(f"trial {number} was thrown away: lost too often")
                states["failed"] -= 1
            elif self.plan.kind == "leave":
                attempts = sum(lease["trial"] == number for lease in self.leases.values())
                self._wrong(f"trial {number} failed although it was only handed back: {attempts} attempts")
        if set(+states) - allowed:
            self._wrong(f"trials ended otherwise than they should: {dict(states)}; {self._stories(rows, allowed)}")
        for number in rows:
            if len(self.settled[number]) != 1:
                self._wrong(f"trial {number} was ended {len(self.settled[number])} times")
        for number, row in seen_ended.items():
            if rows.get(number) != row:
                self._wrong(f"the end of trial {number} was {row} and is {rows.get(number)}")
        for number, row in rows.items():
            if row[0] == "completed":
                best = min(value(self.configurations[number], step) for step in range(1, plans.STEPS + 1))
                if row[1] != best:
                    self._wrong(f"trial {number} has the value {row[1]} instead of {best}")
        self.figures["trials"] = len(rows)
        self.figures["attempts"] = len(self.leases)

    def _stories(self, rows, allowed):
        strange = [number for number, row in rows.items() if row[0] not in allowed]
        return {
            number: [(fence, self.closed.get(fence)) for fence, lease in self.leases.items() if lease["trial"] == number]
            for number in strange[:3]
        }

    def _oracles(self):
        """Everything that a worker or a script was told to be durable is there, once, as it was."""
        acknowledged = _lines(self.folder / "acknowledged")
        self.lost = 0
        for event in acknowledged:
            fence, sequence = event["fence"], event["seq"]
            entry = self.stored.get((fence, sequence))
            if entry is None:
                # That the machine failed it is journaled as the attempt's release.
                isReleased = event["kind"] == "failed" and fence in self.releases
                if not isReleased:
                    self._lose(f"acknowledged by the coordinator: {event}; the attempt: {self.closed.get(fence)}")
            elif not self._is_same(event, entry):
                self._lose(f"acknowledged {event}, stored {entry}")
        reports = defaultdict(list)
        for (fence, _), entry in self.stored.items():
            if entry.get("type") in ("report", "checkpoint"):
                reports[fence, entry["type"], entry["step"]].append(entry)
        promised = _lines(self.folder / "promised")
        for line in promised:
            found = reports.get((line["fence"], line["type"], line["step"]), [])
            if len(found) != 1:
                self._lose(f"promised {line}, stored {len(found)} times; {self.closed.get(line['fence'])}")
            elif line["type"] == "report" and line["metrics"] != found[0]["metrics"]:
                self._lose(f"promised {line}, stored {found[0]}")
        for (fence, kind, step), found in reports.items():
            if kind == "report":
                expected = value(self.configurations[self.leases[fence]["trial"]], step)
                if any(entry["metrics"] != {"value": expected} for entry in found):
                    self._wrong(f"attempt {fence} step {step}: reported {found}, should be {expected}")
        self.figures["acknowledged"] = len(acknowledged) + len(promised)
        self.figures["lost"] = self.lost
        self.figures["duplicated"] = sum("twice" in problem for problem in self.problems)
        if not acknowledged or not promised:
            self.figures["quiet_oracle"] = True

    def _lose(self, text):
        self.lost += 1
        self._wrong("LOST: " + text)

    @staticmethod
    def _is_same(event, entry):
        members = {"report": ("step", "metrics"), "checkpoint": ("step", "location", "bytes")}
        names = members.get(event["kind"], ())
        return entry["type"] == event["kind"] and all(entry[name] == event[name] for name in names)

    def _losses(self):
        """A lease is lost only where its worker was killed, or away for longer than leases live."""
        counts = Counter(entry["reason"] for entry in self.releases.values())
        self.figures["releases"] = dict(counts)
        for fence, entry in self.releases.items():
            worker = self.workers.get(self.leases[fence]["worker"])
            if entry["reason"] in ("lost", "forgotten") and worker is not None and worker not in self.plan.may_lose:
                self._wrong(
                    f"attempt {fence} of trial {self.leases[fence]['trial']} was thrown away ({entry['reason']}) although "
                    f"worker {worker} was never away for long"
                )

    def _resumptions(self):
        """An attempt goes on from the last checkpoint that was durable when it was granted, never from before it."""
        saved, granted, numbers = {}, {}, Counter()
        for entry in self.entries:
            if entry["e"] == "leased":
                granted[entry["fence"]] = saved.get(entry["trial"], 0)
                numbers[entry["trial"]] += 1
            elif entry.get("type") == "checkpoint":
                saved[self.leases[entry["fence"]]["trial"]] = entry["step"]
            elif entry.get("type") == "started" and (entry["resumed_from"] or 0) < granted[entry["fence"]]:
                self._wrong(f"attempt {entry['fence']} began at {entry['resumed_from']}: {granted[entry['fence']]} was saved")
        self.figures["most_attempts"] = max(numbers.values(), default=0)
        if self.plan.kind == "leave" and self.figures["most_attempts"] <= plans.HAND_BACKS:
            self.figures["few_hand_backs"] = True

    def _configurations(self):
        expected = self._expected["configurations"]
        for number, configuration in self.configurations.items():
            if expected.get(str(number)) != configuration:
                self._wrong(f"trial {number} is {configuration}, undisturbed it is {expected.get(str(number))}")
