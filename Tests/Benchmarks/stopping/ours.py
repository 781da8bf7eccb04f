# SPDX-License-Identifier: MIT
"""sweepd against the table: its own simulation, or `optimize --stdio`, where it may also judge the peers' proposals."""
from __future__ import annotations

import json
import pathlib
import subprocess
import tempfile

import yaml

from optuna.pruners import NopPruner
from optuna.trial import TrialState

from grid import EPOCHS, METRIC, NAMES, SWEEP, TABLE_FILE, Curves, configuration
from peers import SAMPLERS, Study
from runs import CACHE, Child
from simulate import BUDGET, Entry, Job, run

METHODS = ("random", "tpe", "bayes")
# Optuna proposes and sweepd stops: over `optimize --stdio` only.
LENT = "optuna-"
STDIO_METHODS = (*METHODS, *(LENT + sampler for sampler in SAMPLERS))
RULES: dict[str, dict | None] = {
    "auto": {"type": "auto"},
    # As if the sweep file did not say that its script goes on from checkpoints.
    "auto-stopping": {"type": "auto"},
    "asha": {"type": "asha"},
    "asha-promotion": {"type": "asha", "variant": "promotion"},
    "median": {"type": "median"},
    "hyperband": {"type": "hyperband", "min_iter": 3},
    "async-hyperband": {"type": "async_hyperband"},
    "none": None,
}
# What `optimize --stdio` is told: there no trial pauses, so promotion is left out.
STOPPERS = {"auto": "auto", "asha": "asha", "median": "median", "hyperband": "hyperband",
            "async-hyperband": "async_hyperband", "none": None}


def sweep_file(method: str, rule: str) -> str:
    """digits.yaml with this method and rule, and the budget."""
    sweep = {**SWEEP, "method": method, "limits": {"steps": BUDGET}}
    termination = RULES[rule]
    if rule == "auto-stopping":
        del sweep["checkpoints"]
    if termination is None:
        del sweep["early_terminate"]
    else:
        sweep["early_terminate"] = {**termination, "max_step": EPOCHS}
    return yaml.safe_dump(sweep, sort_keys=False)


def curves_of(seed: int) -> pathlib.Path:
    """The table's rows of one training seed, so that all trials of a run are trained with it, as the peers' are."""
    path = CACHE / f"stopping-curves-{seed}.csv"
    header, *rows = TABLE_FILE.read_text().splitlines()
    place = header.split(",").index("seed")
    text = "\n".join([header, *(row for row in rows if row.split(",")[place] == str(seed))]) + "\n"
    if not path.exists() or path.read_text() != text:
        # Other processes may be reading it.
        with tempfile.NamedTemporaryFile("w", dir=CACHE, delete=False) as file:
            file.write(text)
        pathlib.Path(file.name).replace(path)
    return path


def simulated(binary: str, method: str, rule: str, workers: int, seed: int, training_seed: int) -> list[Entry]:
    """The trace of `sweepd simulate`."""
    with tempfile.TemporaryDirectory() as folder:
        sweep, trace = pathlib.Path(folder) / "sweep.yaml", pathlib.Path(folder) / "trace.jsonl"
        sweep.write_text(sweep_file(method, rule))
        command = [binary, "simulate", str(sweep), "--curves", str(curves_of(training_seed)), "--seed", str(seed),
                   "--workers", str(workers), "--trace", str(trace)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        entries = [json.loads(line) for line in trace.read_text().splitlines()]
    # Those that ran beside the last one may have brought a few epochs more.
    return [Entry(entry["trial"], configuration(entry["params"]), entry["step"], value_of(entry["value"]))
            for entry in entries[:BUDGET]]


def value_of(written: float | str | None) -> float:
    """What is not finite may be written as null or as a text."""
    return float("nan") if written is None else float(written)


class Session:
    """`sweepd optimize --stdio` with a stopper."""

    def __init__(self, child: Child, method: str, rule: str, seed: int) -> None:
        self.child, self.values = child, {}
        space = [{"name": name, **SWEEP["parameters"][name]} for name in NAMES]
        stopper = {} if STOPPERS[rule] is None else {"stopper": STOPPERS[rule], "max_steps": EPOCHS}
        child.call(op="init", space=space, seed=seed, direction=SWEEP["metric"]["goal"], method=method, **stopper)
        self.stops = bool(stopper)

    def report(self, trial: int, step: int, value: float) -> bool:
        self.values[trial] = value
        return self.stops and self.child.call(op="report", id=trial, step=step, value=value)["stop"]

    def tell(self, trial: int, how: str) -> None:
        value = self.values.pop(trial, None)
        if how == "failed" or value is None:
            self.child.call(op="tell", id=trial, failed=True)
        else:
            self.child.call(op="tell", id=trial, value=value)


class Asked:
    """sweepd proposes and stops."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.report, self.end = session.report, session.tell

    def begin(self) -> Job | None:
        trials = self.session.child.call(op="ask")["trials"]
        return Job(trials[0]["id"], configuration(trials[0]["params"])) if trials else None


class Lent(Study):
    """Optuna proposes and sweepd stops."""

    def __init__(self, session: Session, sampler: str, seed: int) -> None:
        super().__init__(sampler, seed, NopPruner())
        self.session, self.trials = session, {}

    def begin(self) -> Job:
        trial, config = self.ask()
        identity = self.session.child.call(op="begin", params=dict(zip(NAMES, config)))["id"]
        self.trials[identity] = trial
        return Job(identity, config)

    def report(self, trial: int, step: int, value: float) -> bool:
        self.trials[trial].report(value, step)
        return self.session.report(trial, step, value)

    def end(self, trial: int, how: str) -> None:
        if how == "completed":
            self.study.tell(self.trials.pop(trial), self.session.values[trial])
        else:
            self.study.tell(self.trials.pop(trial), state=TrialState.PRUNED if how == "stopped" else TrialState.FAIL)
        self.session.tell(trial, how)


def asked(binary: str, method: str, rule: str, workers: int, seed: int, curves: Curves) -> list[Entry]:
    """The trace of a run over standard input and output."""
    with Child([binary, "optimize", "--stdio"]) as child:
        if method.startswith(LENT):
            session = Session(child, "random", rule, seed)
            return run(Lent(session, method.removeprefix(LENT), seed), curves, workers)
        return run(Asked(Session(child, method, rule, seed)), curves, workers)


assert SWEEP["metric"]["name"] == METRIC
