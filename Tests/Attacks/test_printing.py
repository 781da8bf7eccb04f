# SPDX-License-Identifier: MIT
"""Names and texts from elsewhere on a terminal: nothing of them is obeyed."""

from __future__ import annotations

import json
import re
import subprocess
import time

import pytest
from daemon import BINARY, SWEEP, Daemon
from peer import Peer, enrol

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\x08\x7f"
NAMED = "evil"
# What a terminal obeys: C0 but for line ends, DEL, C1, and what turns the writing around.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str, where: str) -> None:
    """Nothing in it is obeyed by a terminal."""
    found = CONTROLS.findall(text)
    assert not found, f"{where}: {found!r} in {text!r}"


def test_texts_of_workers_and_sweeps(daemon: Daemon) -> None:
    more = f'description: {EVIL_YAML}\n'
    daemon.launch(NAMED, 3, more=more)
    with Peer(daemon.port, enrol(daemon, EVIL)) as worker:
        worker.greet(commands=True, host="h" + EVIL, agent="a" + EVIL, labels=["l" + "x"], tasks={"t": "0" * 64})
        lease = worker.lease()
        fence = lease["fence"]
        worker.events(
            {"fence": fence, "seq": 1, "kind": "started"},
            {"fence": fence, "seq": 2, "kind": "report", "step": 1, "metrics": {"loss": 0.5, "m" + EVIL: 1.0}},
            {"fence": fence, "seq": 3, "kind": "warning", "text": "w" + EVIL},
            {"fence": fence, "seq": 4, "kind": "checkpoint", "step": 1, "location": "/c" + EVIL, "bytes": 1},
            {
                "fence": fence,
                "seq": 5,
                "kind": "failed",
                "failure": {"cause": "user", "message": "f" + EVIL, "tail": "t" + EVIL},
            },
        )
        assert worker.hear("ack") is not None
        data = ("--data", str(daemon.data))
        for command in (
            ["list", *data],
            ["show", NAMED, *data],
            ["trials", NAMED, *data],
            ["why", "0", *data],
            ["why", "0", "--sweep", NAMED, *data],
            ["best", NAMED, *data],
            ["report", NAMED, *data],
            ["logs", "0", *data],
            ["workers"],
            ["verify", *data],
            ["show", NAMED + "x", *data],
            ["workers", "--revoke", EVIL],
            ["drain", EVIL],
            ["pause", NAMED],
            ["unpause", NAMED],
            ["retry", NAMED],
            ["cancel", NAMED + EVIL],
            ["enqueue", NAMED, "x" + EVIL + "=1"],
            ["launch", "/nowhere/" + EVIL],
            ["invite", "--ttl", EVIL],
            ["invite", "--name", EVIL],
        ):
            clean(daemon.run(*command, check=False), " ".join(command[:2]))
        worker.say("bye", reason="b" + EVIL)
        time.sleep(0.3)
    clean(daemon.log(), "the daemon's log")


EVIL_YAML = '"\\e[2J\\e]0;owned\\a\\u202E"'


@pytest.mark.parametrize("options", [["--plain"], []])
def test_watch(daemon: Daemon, options: list[str]) -> None:
    daemon.launch(NAMED, 2)
    with Peer(daemon.port, enrol(daemon)) as worker:
        worker.greet(commands=True, host="h" + EVIL)
        fence = worker.lease()["fence"]
        worker.events(
            {"fence": fence, "seq": 1, "kind": "started"},
            {"fence": fence, "seq": 2, "kind": "report", "step": 1, "metrics": {"loss": 0.5, "m" + EVIL: 1.0}},
            {"fence": fence, "seq": 3, "kind": "failed", "failure": {"cause": "user", "message": "f" + EVIL}},
        )
        assert worker.hear("ack") is not None
        watch = subprocess.Popen(
            [str(BINARY), "watch", NAMED, *options], env=daemon.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        time.sleep(2)
        watch.terminate()
        clean(watch.communicate(timeout=10)[0].decode(errors="replace"), "watch")


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "a\x85b", "a\x9bb", "a\u202eb", "a\u2066b", "../../x", "-rf", "a\x7f"])
def test_names_of_sweeps(daemon: Daemon, name: str) -> None:
    """Refused, or shown as they are and no more than that."""
    file = daemon.folder / "s.yaml"
    file.write_text(SWEEP.format(name=json.dumps(name), trials=1, command='["true"]'))
    clean(daemon.run("launch", str(file), check=False), "launch")
    clean(daemon.run("launch", str(file), "--name", name, check=False), "launch --name")
    data = ("--data", str(daemon.data))
    for command in (["list", *data], ["show", *data], ["show", name, *data], ["trials", *data], ["pause", name]):
        clean(daemon.run(*command, check=False), command[0])
    clean(daemon.log(), "the daemon's log")


def test_a_metric_of_the_sweep(daemon: Daemon) -> None:
    """A sweep file with such a metric is refused, or the metric printed harmlessly."""
    file = daemon.folder / "s.yaml"
    file.write_text(
        'name: m\nmethod: random\nmetric: {name: "a\\e[2Jb"}\ntrials: 2\nseed: 1\n'
        'parameters:\n  x: {min: 0.0, max: 1.0}\ncommand: ["true"]\n'
    )
    clean(daemon.run("launch", str(file), check=False), "launch")
    clean(daemon.run("list", "--data", str(daemon.data), check=False), "list")
    clean(daemon.run("show", "m", "--data", str(daemon.data), check=False), "show")


def test_parameter_values(daemon: Daemon) -> None:
    file = daemon.folder / "s.yaml"
    file.write_text(
        "name: p\nmethod: random\nmetric: {name: loss}\ntrials: 2\nseed: 1\n"
        f'parameters:\n  x: {{values: [{EVIL_YAML}, "\\e[31mb"]}}\ncommand: ["true"]\n'
    )
    daemon.run("launch", str(file))
    with Peer(daemon.port, enrol(daemon)) as worker:
        worker.greet(commands=True)
        fence = worker.lease()["fence"]
        worker.events(
            {"fence": fence, "seq": 1, "kind": "started"},
            {"fence": fence, "seq": 2, "kind": "report", "step": 1, "metrics": {"loss": 0.5}},
            {"fence": fence, "seq": 3, "kind": "finished", "outcome": "completed"},
        )
        assert worker.hear("ack") is not None
    data = ("--data", str(daemon.data))
    for command in (["show", "p", *data], ["trials", "p", *data], ["best", "p", *data], ["why", "0", *data]):
        clean(daemon.run(*command, check=False), command[0])
