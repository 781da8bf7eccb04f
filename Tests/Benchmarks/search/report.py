# SPDX-License-Identifier: MIT
"""sweepd beside its peers: mean rank, mean normalised regret, tests, and where sweepd loses; see README.md."""
from __future__ import annotations

import argparse
import os
import pathlib
import re
from typing import NamedTuple

import numpy as np

import results
from drive import EVALUATIONS, ROOT, numbers
from problems import PROBLEMS
from run_sweepd import default_file
from scores import ANCHOR, Regrets, Runs, balanced_mean, common, final, holm, ranks, signed_rank, with_interval

PEERS = ["tpe", "gp", "hebo", "botorch"]
SIGNIFICANT = 0.05
FAMILIES = list(dict.fromkeys(problem.family for problem in PROBLEMS.values()))


class Comparison(NamedTuple):
    """sweepd against one peer on a group of problems."""

    setting: str
    group: str
    peer: str
    ours: float
    theirs: float
    blocks: int
    p: float
    corrected: float


def peers_runs() -> tuple[Runs, dict[str, str]]:
    """The committed runs of every peer at its newest version, and that version."""
    runs, versions = {}, {}
    by_version = sorted(results.COMMITTED.glob("*.jsonl"),
                        key=lambda path: [int(number) for number in re.findall(r"\d+", path.stem)])
    for path in by_version:
        for optimiser, by_key in results.read(path).items():
            runs[optimiser] = by_key
            told = next(iter(by_key.values()))["versions"]
            versions[optimiser] = ", ".join(f"{name} {version}" for name, version in told.items())
    return runs, versions


def table(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                              for i, (cell, width) in enumerate(zip(row, widths))) for row in rows]
    return "\n".join(lines) + "\n"


def interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def seeds_of(blocks: list[results.Key]) -> str:
    """How many seeds every problem has, or from how few to how many."""
    counts = {}
    for problem, _, _ in blocks:
        counts[problem] = counts.get(problem, 0) + 1
    low, high = min(counts.values()), max(counts.values())
    return f"{low} seeds" if low == high else f"{low} to {high} seeds"


class Report:
    def __init__(self, runs: Runs, ours: list[str], peers: list[str], seeds: set[int] | None) -> None:
        # What regret is measured by is made of all runs, whichever are compared.
        self.regrets = Regrets(runs)
        self.runs = {name: {key: run for key, run in by_key.items() if seeds is None or key[2] in seeds}
                     for name, by_key in runs.items()}
        self.ours = ours
        self.everyone = [peer for peer in peers if self.runs.get(peer)]
        self.peers = self.everyone
        self.figures: list[str] = []

    def setting(self, setting: str) -> list[Comparison]:
        pending = "8 pending" if setting == "asynchronous" else "one after the other"
        print(f"\n== {setting}: {EVALUATIONS[setting]} evaluations, {pending} ==\n")
        # One that has not run here yet must not keep the others from being compared.
        here = [peer for peer in self.everyone if any(key[1] == setting for key in self.runs[peer])]
        for peer in self.everyone:
            if peer not in here:
                print(f"{peer} has no run in this setting, and is left out.")
        self.peers = here
        blocks = common(self.runs, [*self.ours, *self.peers], setting)
        if not blocks or not self.peers:
            print("There is no problem and seed that all of them have run.")
            return []
        print(f"{len(blocks)} paired blocks: {len({key[0] for key in blocks})} problems, {seeds_of(blocks)} each.")
        self.summary(setting, blocks)
        self.problems(setting)
        comparisons = []
        for ours in self.ours:
            comparisons += self.compare(setting, ours)
        return comparisons

    def summary(self, setting: str, blocks: list[results.Key]) -> None:
        """Ranks are among one of ours and the peers, so that several variants of ours do not push each other down."""
        problems = [key[0] for key in blocks]
        header = ["", "mean rank [95 %]", "normalised regret [95 %]", *(f"rank {family}" for family in FAMILIES)]
        rows, means = [header], {}
        for index, ours in enumerate(self.ours):
            field = [ours, *self.peers]
            rank = ranks(self.runs, field, blocks)
            mean, low, high = with_interval(rank, problems)
            for i, name in enumerate(field if index == 0 else field[:1]):
                means[name] = mean[i]
                per_family = []
                for family in FAMILIES:
                    mine = [k for k, problem in enumerate(problems) if PROBLEMS[problem].family == family]
                    means_here = balanced_mean(rank[mine], [problems[k] for k in mine]) if mine else None
                    per_family.append(f"{means_here[i]:.2f}" if mine else "-")
                rows.append([name, interval(mean[i], low[i], high[i]), self.regret(name, blocks), *per_family])
        first, rest = rows[1:2], sorted(rows[2:], key=lambda row: means[row[0]])
        anchor = [ANCHOR, "-", self.regret(ANCHOR, blocks), *["-"] * len(FAMILIES)]
        print("Ranks are among the peers and one sweepd; random search is the anchor and has none.\n")
        print(table([header, *first, *rest, anchor]))
        families = [["normalised regret [95 %]", *FAMILIES]]
        for name in [*self.ours, *self.peers, ANCHOR]:
            families.append([name, *(self.regret(name, [key for key in blocks if PROBLEMS[key[0]].family == family])
                                     for family in FAMILIES)])
        print(table(families))
        best_peer = min(means[peer] for peer in self.peers)
        self.figures += [f"{setting}_rank={means[self.ours[0]]:.3f}", f"{setting}_best_peer_rank={best_peer:.3f}",
                         f"{setting}_first={int(means[self.ours[0]] <= best_peer)}", f"{setting}_blocks={len(blocks)}"]

    def regret(self, name: str, blocks: list[results.Key]) -> str:
        if not blocks:
            return "-"
        values = np.array([[self.regrets.of(name, key)] for key in blocks])
        mean, low, high = with_interval(values, [key[0] for key in blocks])
        return interval(mean[0], low[0], high[0])

    def problems(self, setting: str) -> None:
        """Medians of the final values, each optimiser with all seeds that it has."""
        names = [*self.ours, *self.peers, ANCHOR]
        rows = [["median final value", *names]]
        for problem in PROBLEMS:
            cells = []
            for name in names:
                values = [final(run) for key, run in self.runs.get(name, {}).items() if key[:2] == (problem, setting)]
                cells.append(f"{np.median(values):.5g} ({len(values)})" if values else "-")
            rows.append([problem, *cells])
        print(table(rows))

    def compare(self, setting: str, ours: str) -> list[Comparison]:
        """Paired with each peer alone, over every block that the two of them have."""
        found = []
        for groups in ({family: [p for p in PROBLEMS if PROBLEMS[p].family == family] for family in FAMILIES},
                       {problem: [problem] for problem in PROBLEMS}):
            raw = []
            for peer in self.peers:
                keys = common(self.runs, [ours, peer], setting)
                for group, members in groups.items():
                    blocks = [key for key in keys if key[0] in members]
                    if blocks:
                        mine, theirs = (np.array([self.regrets.of(name, key) for key in blocks])
                                        for name in (ours, peer))
                        means = [balanced_mean(values, [key[0] for key in blocks]) for values in (mine, theirs)]
                        raw.append((group, peer, *means, len(blocks), signed_rank(mine, theirs)))
            for entry, corrected in zip(raw, holm([entry[-1] for entry in raw])):
                found.append(Comparison(setting, *entry, corrected))
        families = [c for c in found if c.group in FAMILIES]
        rows = [[f"{ours} against", "family", "regret", "peer's", "blocks", "p", "Holm p", "verdict"]]
        for c in families:
            rows.append([c.peer, c.group, f"{c.ours:.3f}", f"{c.theirs:.3f}", str(c.blocks), f"{c.p:.4f}",
                         f"{c.corrected:.4f}", verdict(c)])
        print(table(rows))
        print(f"Where {ours} loses, {setting}:")
        losses = [c for c in found if c.ours > c.theirs]
        for c in losses:
            kind = "family" if c.group in FAMILIES else "problem"
            print(f"  {kind} {c.group}, to {c.peer}: regret {c.ours:.3f} against {c.theirs:.3f}, p {c.p:.4f}, "
                  f"with Holm {c.corrected:.4f}{': significant' if c.corrected < SIGNIFICANT else ''}")
        if not losses:
            print("  nowhere")
        print()
        if ours == self.ours[0]:
            worse = [c for c in families if c.ours > c.theirs]
            self.figures += [f"{setting}_families_behind={len(worse)}",
                             f"{setting}_families_behind_p05={sum(c.p < SIGNIFICANT for c in worse)}",
                             f"{setting}_families_behind_holm={sum(c.corrected < SIGNIFICANT for c in worse)}"]
        return found


def verdict(c: Comparison) -> str:
    if c.ours == c.theirs:
        return "equal"
    word = "better" if c.ours < c.theirs else "worse"
    return f"{word}, significant" if c.corrected < SIGNIFICANT else word


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd")),
                        help="whose cached runs are compared, unless --extra brings others")
    parser.add_argument("--extra", type=pathlib.Path, action="append", default=[],
                        help="a file of run_sweepd.py; every label in it is a row; may be given more than once")
    parser.add_argument("--seeds", help="like 0-9; default: all there are")
    parser.add_argument("--peers", default=",".join(PEERS), help="leave out the others, which may have few seeds")
    parser.add_argument("--settings", default=",".join(EVALUATIONS))
    arguments = parser.parse_args()
    runs, versions = peers_runs()
    ours = []
    for path in arguments.extra or [default_file(arguments.binary)]:
        for label, by_key in results.read(path).items():
            runs[label] = by_key
            ours.append(label)
    if not ours:
        parser.error("no runs of sweepd: take them with run_sweepd.py")
    peers = [peer for peer in arguments.peers.split(",") if peer in runs]
    print("Peers: " + "; ".join(f"{peer} ({versions[peer]})" for peer in peers))
    report = Report(runs, ours, peers, set(numbers(arguments.seeds)) if arguments.seeds else None)
    for setting in arguments.settings.split(","):
        report.setting(setting)
    print("result: " + " ".join(report.figures))


if __name__ == "__main__":
    main()
