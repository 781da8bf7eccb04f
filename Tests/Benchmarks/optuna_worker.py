# SPDX-License-Identifier: MIT
"""The same no-op trials in Optuna: one of several processes that share a journal file."""
import os
import sys
import time

import optuna
from optuna.storages.journal import JournalFileBackend

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    trial.suggest_float("y", 0.0, 1.0)
    for step in range(1, int(os.environ["NOOP_REPORTS"]) + 1):
        trial.report(1.0 / step, step)
    return x


if __name__ == "__main__":
    path, trials, gate = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    storage = optuna.storages.JournalStorage(JournalFileBackend(path))
    study = optuna.load_study(study_name="noop", storage=storage, sampler=optuna.samplers.RandomSampler(seed=os.getpid()))
    print("ready", flush=True)
    while not os.path.exists(gate):
        time.sleep(0.001)
    start = time.time()
    study.optimize(objective, n_trials=trials)
    print(start, time.time(), flush=True)
