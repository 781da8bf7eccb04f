# SPDX-License-Identifier: MIT
"""sweepd's stopping rules beside the peers': regret, epochs to the target, misses, tests, and where sweepd loses."""
from __future__ import annotations

import argparse
import math
import os
import pathlib
from collections.abc import Callable

import numpy as np

import runs
from grid import Curves, read_table
from ours import LENT
from run_sweepd import default_file
from runs import ROOT, Key, holm, signed_rank
from scoring import BUDGETS, TARGET, Changes, Score, censored, mean_interval, ratio_interval
from simulate import BUDGET

SIGNIFICANT = 0.05
SCALE = 1000  # regrets are small
Runs = dict[Key, Changes]


def columns(rows: list[list[str]]) -> str:
    """A table with its first column to the left."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width)
                                      for place, (cell, width) in enumerate(zip(row, widths))) for row in rows) + "\n"


class Figures:
    """The figures of one method over the paired seeds."""

    def __init__(self, method: str, found: Runs, workers: int, seeds: list[int], table: dict[int, Curves]) -> None:
        keys = [Key(*method.split("/"), workers, seed) for seed in seeds]
        scores = [Score(found[key], table[key.training_seed]) for key in keys]
        self.method = method
        self.regrets = {budget: np.array([score.regret(budget) for score in scores]) for budget in BUDGETS}
        self.reached = [score.reached() for score in scores]
        self.settled = [score.settled() for score in scores]
        self.epochs = censored(self.reached)
        self.missed = float(np.mean([math.isinf(epochs) for epochs in self.reached]))
        self.unsettled = float(np.mean([math.isinf(epochs) for epochs in self.settled]))

    @property
    def sampler(self) -> str:
        return self.method.split("/")[0]

    def regret_row(self) -> list[str]:
        cells = []
        for values in self.regrets.values():
            mean, low, high = mean_interval(values * SCALE)
            cells.append(f"{mean:.2f} [{low:.2f}, {high:.2f}] {np.median(values) * SCALE:.2f}")
        return [self.method, *cells]

    def epochs_row(self) -> list[str]:
        cells = []
        for epochs, misses in ((self.reached, self.missed), (self.settled, self.unsettled)):
            mean, low, high = mean_interval(censored(epochs))
            median = np.median(epochs)
            shown = "-" if math.isinf(median) else f"{median:.0f}"
            cells += [f"{mean:.0f} [{low:.0f}, {high:.0f}]", shown, f"{misses:.0%}"]
        return [self.method, *cells]


class Setting:
    """All that ran so many trials at once."""

    def __init__(self, workers: int, ours: Runs, peers: Runs, only: set[int] | None, table: dict[int, Curves]) -> None:
        self.workers = workers
        methods = [list(dict.fromkeys(key.method for key in found if key.workers == workers))
                   for found in (ours, peers)]
        both = {**peers, **ours}
        seeds = [{key.seed for key in both if key.workers == workers and key.method == method}
                 for method in (*methods[0], *methods[1])]
        self.seeds = sorted(set.intersection(*seeds) & (only or set.union(*seeds))) if seeds else []
        self.ours, self.peers = ([Figures(method, found, workers, self.seeds, table) for method in group]
                                 for found, group in zip((ours, peers), methods)) if self.seeds else ([], [])
        self.peers.sort(key=lambda peer: peer.epochs.mean())

    def tables(self) -> None:
        at_once = "1 trial at once" if self.workers == 1 else f"{self.workers} trials at once"
        print(f"\n== {at_once}: {len(self.seeds)} paired seeds ==\n")
        if not self.seeds:
            print("There is no seed that all of them have run.")
            return
        print(f"Regret times {SCALE} at so many epochs: mean [95 %] median\n")
        print(columns([["", *map(str, BUDGETS)], *(figures.regret_row() for figures in (*self.ours, *self.peers))]))
        print(f"Epochs until the incumbent's final loss is at most {TARGET} times the best: mean (a miss counts "
              f"{BUDGET}) [95 %], median, share of seeds that never do; for the first time, and for good\n")
        header = ["", "first", "median", "missed", "for good", "median", "missed"]
        print(columns([header, *(figures.epochs_row() for figures in (*self.ours, *self.peers))]))

    def compare(self, primary: str) -> list[str]:
        """Tests, ratios and losses of one of ours; its figures for the last line."""
        mine = next((figures for figures in self.ours if figures.method == primary), None)
        if mine is None or not self.peers:
            return []
        behind = self.tests(mine)
        name = f"w{self.workers}"
        result = [f"{name}_behind={behind[0]}", f"{name}_behind_p05={behind[1]}", f"{name}_behind_holm={behind[2]}"]
        print(f"Epochs of {primary} to those of the best peer rule:")
        groups: dict[str, Callable[[Figures], bool]] = {
            **{sampler: lambda peer, sampler=sampler: peer.sampler == sampler
               for sampler in dict.fromkeys(peer.sampler for peer in self.peers)},
            "all": lambda peer: True}
        for group, belongs in groups.items():
            best = min(filter(belongs, self.peers), key=lambda peer: peer.epochs.mean())
            ratio, low, high = ratio_interval(mine.epochs, best.epochs)
            medians = float(np.median(mine.epochs) / np.median(best.epochs))
            print(f"  {group}: {best.method}, ratio of means {ratio:.2f} [{low:.2f}, {high:.2f}], "
                  f"of medians {medians:.2f}")
            result += [f"{name}_ratio_{group}={ratio:.3f}", f"{name}_median_ratio_{group}={medians:.3f}"]
        least = min(self.peers, key=lambda peer: peer.missed)
        print(f"\nMissed: {primary} {mine.missed:.0%}; the least of the peers {least.missed:.0%} ({least.method})\n")
        self.same_sampler()
        return [*result, f"{name}_missed={mine.missed:.3f}", f"{name}_least_peer_missed={least.missed:.3f}"]

    def tests(self, mine: Figures) -> tuple[int, int, int]:
        """Wilcoxon's test against each peer at each budget; how often behind, with p < 0.05, and after Holm."""
        cases = [(peer, budget) for peer in self.peers for budget in BUDGETS]
        raw = [signed_rank(mine.regrets[budget], peer.regrets[budget]) for peer, budget in cases]
        corrected = holm(raw)
        rows = [[f"{mine.method} against", *(f"at {budget}" for budget in BUDGETS)]]
        losses = []
        for place, ((peer, budget), p, adjusted) in enumerate(zip(cases, raw, corrected)):
            difference = (mine.regrets[budget].mean() - peer.regrets[budget].mean()) * SCALE
            if place % len(BUDGETS) == 0:
                rows.append([peer.method])
            rows[-1].append(f"{difference:+.2f} p {p:.3f} Holm {adjusted:.3f}")
            if difference > 0:
                losses.append((peer, budget, difference, p, adjusted))
        print(f"Difference of mean regrets times {SCALE} (negative: ours is lower), Wilcoxon's p, Holm's correction "
              f"over {len(cases)} tests\n")
        print(columns(rows))
        print(f"Where {mine.method} loses, {self.workers} at once:")
        lines = [line for peer in self.peers if (line := self.lost(mine, peer, losses))]
        print("\n".join(lines or ["  nowhere"]) + "\n")
        return len(losses), sum(loss[3] < SIGNIFICANT for loss in losses), sum(loss[4] < SIGNIFICANT for loss in losses)

    @staticmethod
    def lost(mine: Figures, peer: Figures, losses: list[tuple]) -> str:
        """What a peer is better at, on one line; empty: nothing."""
        parts = [f"regret at {budget} {difference:+.2f} (p {p:.3f}, Holm {adjusted:.3f}"
                 f"{', significant' if adjusted < SIGNIFICANT else ''})"
                 for other, budget, difference, p, adjusted in losses if other is peer]
        if peer.epochs.mean() < mine.epochs.mean():
            parts.append(f"epochs {mine.epochs.mean():.0f} against {peer.epochs.mean():.0f} "
                         f"(p {signed_rank(mine.epochs, peer.epochs):.3f})")
        if peer.missed < mine.missed:
            parts.append(f"misses {mine.missed:.0%} against {peer.missed:.0%}")
        return f"  to {peer.method}: {'; '.join(parts)}" if parts else ""

    def same_sampler(self) -> None:
        """Each of our rules with random search and TPE to the best peer rule with that sampler."""
        for mine in self.ours:
            theirs = [peer for peer in self.peers if peer.sampler == mine.sampler.removeprefix(LENT)]
            if theirs:
                best = min(theirs, key=lambda peer: peer.epochs.mean())
                ratio, low, high = ratio_interval(mine.epochs, best.epochs)
                print(f"  {mine.method}: {ratio:.2f} [{low:.2f}, {high:.2f}] of the epochs of {best.method}")
        print()


def peers_runs(samplers: str | None) -> Runs:
    found: Runs = {}
    for path in sorted(runs.COMMITTED.glob("*.jsonl")):
        found.update(runs.read(path, lambda run: not samplers or run["sampler"] in samplers.split(",")))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.environ.get("SWEEPD", str(ROOT / ".build/release/sweepd")),
                        help="whose cached runs are compared, unless --extra brings others")
    parser.add_argument("--extra", type=pathlib.Path, action="append", default=[], help="a file of run_sweepd.py")
    parser.add_argument("--primary", default="bayes/auto", help="which of ours is tested against the peers")
    parser.add_argument("--samplers", help="of the peers, to leave out those with few seeds; default: all there are")
    parser.add_argument("--seeds", help="like 0-9; default: all there are")
    parser.add_argument("--workers", default="1,4", help="trials at once")
    parser.add_argument("--final", choices=("last", "best"), default="best",
                        help="what a configuration comes to: its loss after the last epoch, or its lowest")
    arguments = parser.parse_args()
    extra = arguments.extra
    if not extra and pathlib.Path(arguments.binary).exists():
        extra = [default_file(arguments.binary)]
    ours = {key: changes for path in extra for key, changes in runs.read(path).items()}
    if not ours:
        print("There are no runs of sweepd: take them with run_sweepd.py.")
    versions = ", ".join(path.stem for path in sorted(runs.COMMITTED.glob("*.jsonl")))
    print(f"Peers: {versions}; table {runs.table_digest()}")
    print({"last": "A configuration's final loss is that after the last epoch.",
           "best": "A configuration's final loss is the lowest of its epochs."}[arguments.final])
    table = read_table(arguments.final)
    for seed, curves in table.items():
        near = [sum(final <= factor * curves.best for final in curves.finals.values()) for factor in (TARGET, 1.5)]
        lowest = min(curves.losses, key=lambda config: np.nanmin([*curves.losses[config], np.inf]))
        print(f"Training seed {seed}: {len(curves.losses)} configurations, lowest final loss {curves.best:.5g}, "
              f"{near[0]} within {TARGET} times that, {near[1]} within 1.5 times; the incumbent of a search that "
              f"trains all of them to the end: {curves.finals[lowest] / curves.best:.3f} times")
    only = set(runs.numbers(arguments.seeds)) if arguments.seeds else None
    result = []
    for workers in runs.numbers(arguments.workers):
        setting = Setting(workers, ours, peers_runs(arguments.samplers), only, table)
        setting.tables()
        result += setting.compare(arguments.primary)
    if result:
        print("result: " + " ".join(result))


if __name__ == "__main__":
    main()
