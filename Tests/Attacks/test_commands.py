# SPDX-License-Identifier: MIT
"""What a sweep's parameters, a lease or a coordinator that was taken over can have a worker do: nothing but its tasks."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from daemon import BINARY, ROOT, Daemon, wait_for

sys.path.insert(0, str(ROOT / "Workers/Conformance"))

from kit_stage import Gate, Stage  # noqa: E402

# Prints its arguments and its parameters as they came, byte by byte.
RECORDER = """\
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
record = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}
name = os.path.join(folder, "record-%d.json" % os.getpid())
with open(name + "~", "w") as file:
    json.dump(record, file)
os.rename(name + "~", name)
print("loss=0.5")
"""
VALUES = [
    "; rm -rf {folder}/precious",
    "$(touch {folder}/touched)",
    "`touch {folder}/touched`",
    "--config=/etc/x",
    "-rf",
    "--",
    "a\nb",
    "a b'c\"d\\e",
    "*",
    "~",
    "${{args}}",
    "${{env}} %s {{}}",
    "é\U0001f600\u202e",
    "",
    "x" * 60_000,
]


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(file.read_text()) for file in folder.glob("record-*.json")]


def test_values_reach_the_script_as_they_are(folder: Path) -> None:
    (folder / "precious").mkdir()
    values = [value.format(folder=folder) for value in VALUES]
    script = folder / "record.py"
    script.write_text(RECORDER)
    sweep = {
        "name": "values",
        "method": "grid",
        "metric": {"name": "loss", "pattern": r"(?<name>\w+)=(?<value>\S+)"},
        "seed": 1,
        "parameters": {"x": {"values": values}},
        "command": [sys.executable, str(script), "${args}"],
    }
    (folder / "sweep.yaml").write_text(json.dumps(sweep, ensure_ascii=False))
    env = os.environ | {"XDG_CONFIG_HOME": str(folder)}
    done = subprocess.run(
        [str(BINARY), "run", str(folder / "sweep.yaml"), "--workers", "2"],
        env=env, cwd=folder, capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    seen = [record["argv"] for record in records(folder)]
    assert sorted(seen) == sorted([f"--x={value}"] for value in values)
    assert (folder / "precious").is_dir() and not (folder / "touched").exists()


def test_no_shell_is_between(folder: Path) -> None:
    """The script's parent is the worker or its guard, no shell."""
    script = folder / "parents.py"
    script.write_text(
        "import os\n"
        "pid, names = os.getppid(), []\n"
        "while pid > 1 and len(names) < 3:\n"
        "    names.append(os.path.basename(os.readlink(f'/proc/{pid}/exe')))\n"
        "    pid = int(open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[1])\n"
        f"open({str(folder / 'names')!r}, 'w').write(names[0])\nprint('loss=1')\n"
    )
    sweep = {
        "name": "parents",
        "method": "random",
        "trials": 1,
        "seed": 1,
        "metric": {"name": "loss", "pattern": r"(?<name>\w+)=(?<value>\S+)"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "command": [sys.executable, str(script)],
    }
    (folder / "sweep.yaml").write_text(json.dumps(sweep))
    subprocess.run([str(BINARY), "run", str(folder / "sweep.yaml")], cwd=folder, capture_output=True, timeout=60)
    assert (folder / "names").read_text() == BINARY.resolve().name


# A coordinator that was taken over: it has the server's key, and wants the worker's machine.


@pytest.fixture(scope="module")
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    one: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield one
    one.destroy(linger=0)


@pytest.fixture(scope="module")
def gate(context: zmq.Context[zmq.Socket[bytes]]) -> Iterator[Gate]:
    gate = Gate(context)
    yield gate
    gate.close()


class Taken:
    """Such a coordinator with a real worker of ours."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate, folder: Path, *options: str, tasks: str = ""
    ) -> None:
        command = [str(BINARY), "worker", "--connection", "{connection}", "--slots", "1", "--files", str(folder / "own")]
        if tasks:
            (folder / "tasks.yaml").write_text(tasks)
            command += ["--tasks", str(folder / "tasks.yaml")]
        os.environ["XDG_CONFIG_HOME"] = str(folder)
        self.stage = Stage(context, gate, [*command, *options], 15)
        self.folder = folder
        self.stage.start()
        self.stage.welcome()

    def lease(self, fence: int, **members: object) -> dict[str, object]:
        return self.stage.lease(fence, params={"x": 0.5}, metric_pattern=None, **members)

    def is_refused(self, *leases: dict[str, object]) -> None:
        """Each is declined, and nothing of it happens."""
        for lease in leases:
            self.stage.offer(lease)
            self.stage.hear("decline", 5, fence=lease["fence"])
        assert not (self.folder / "touched").exists()


def test_commands_and_undeclared_tasks(context: zmq.Context[zmq.Socket[bytes]], gate: Gate, folder: Path) -> None:
    (folder / "record.py").write_text(RECORDER)
    tasks = f'tasks: {{mine: {{command: ["{sys.executable}", "{folder}/record.py", "${{args}}"]}}}}\n'
    taken = Taken(context, gate, folder, tasks=tasks)
    touch = ["/usr/bin/touch", str(folder / "touched")]
    none = {"command": None, "working_directory": None}
    try:
        taken.is_refused(
            taken.lease(3, command=touch),
            taken.lease(4, command=None, program=str(folder / "record.py")),
            taken.lease(5, task="other", **none),
            taken.lease(6, task="mine\0", **none),
            taken.lease(7, task="../mine", **none),
        )
        # Its own task with something beside: what is beside counts for nothing, or the whole is declined.
        taken.stage.offer(taken.lease(8, task="mine", command=touch, working_directory="/", attempt_directory="/etc/x"))
        wait_for(lambda: taken.stage.listen(0.1) is None or records(folder), 10)
        for record in records(folder):
            assert record["argv"] == ["--x=0.5"] and record["cwd"] == str(folder), record
            environment = record["env"]
            assert isinstance(environment, dict)
            assert environment.get("SWEEPD_ATTEMPT_DIRECTORY", str(folder)).startswith(str(folder))
        assert not (folder / "touched").exists() and not Path("/etc/x").exists()
    finally:
        taken.stage.close()


@pytest.mark.parametrize(
    "place",
    [
        "{out}/ck",
        "{own}/../out/ck",
        "file://{out}/ck",
        "/etc/sweepd-attack",
        "{shared}/../out/ck",
        "{shared}/link/ck",
        "{shared}/dangling",
        "s3://attacker/ck",
        "{shared_uri}/../attacker/ck",
        "{shared_uri}/%2e%2e/attacker/ck",
    ],
)
def test_folders_that_are_not_its_own(
    context: zmq.Context[zmq.Socket[bytes]], gate: Gate, folder: Path, place: str
) -> None:
    (folder / "record.py").write_text(RECORDER)
    out, shared = folder / "out", folder / "shared"
    out.mkdir()
    shared.mkdir()
    (shared / "link").symlink_to(out)
    (shared / "dangling").symlink_to(out / "later")
    (out / "secret").write_text("secret")
    tasks = f'tasks: {{mine: {{command: ["{sys.executable}", "{folder}/record.py"]}}}}\n'
    taken = Taken(context, gate, folder, "--checkpoints", str(shared), "--checkpoints", "s3://bucket/runs", tasks=tasks)
    location = place.format(out=out, own=folder / "own", shared=shared, shared_uri="s3://bucket/runs")
    try:
        checkpoint = {"step": 1, "location": location.replace("/ck", ""), "digest": "", "bytes": 0}
        taken.stage.offer(
            taken.lease(
                3, task="mine", command=None, working_directory=None, checkpoint_directory=location, resume=checkpoint,
                attempt_directory=str(out / "a3"), fallbacks=[checkpoint],
            )
        )  # fmt: skip
        until = time.monotonic() + 10
        while time.monotonic() < until and not records(folder) and not taken.stage.is_over(3):
            taken.stage.listen(0.1)
        assert records(folder), taken.stage.output()
        environment = records(folder)[0]["env"]
        assert isinstance(environment, dict)
        # Its own name holds the place.
        text = json.dumps({name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"})
        # The script is given nothing outside either.
        assert str(out) not in text and "/etc/sweepd" not in text and f"{shared}/link" not in text
        assert "attacker" not in text
        assert sorted(path.name for path in out.iterdir()) == ["secret"]
        assert not Path("/etc/sweepd-attack").exists()
    finally:
        taken.stage.close()


# Files of tasks and sweeps.


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
    "depth": "tasks: " + "[" * 10_000,
    "mappings": "tasks:\n" + "".join(" " * n + f"k{n}:\n" for n in range(1, 3000)),
    "tags": 'tasks: {a: !!python/object/apply:os.system ["touch /tmp/x"]}\n',
    "twice": "tasks: {a: {program: x}, a: {program: y}}\n",
    "scalar": "tasks: {a: {program: " + "x" * (2 << 20) + "}}\n",
    "merge": "tasks: {<<: &a {<<: *a}}\n",
    "self": "tasks: &a {b: *a}\n",
    "documents": "tasks: {a: {program: x}}\n---\ntasks: {b: {program: y}}\n",
    "nul": "tasks: {a: {program: x\0y}}\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("kind", ["tasks", "sweep"])
def test_bombs(folder: Path, bomb: str, kind: str) -> None:
    """An error within a second and 64 MiB."""
    file = folder / f"{kind}.yaml"
    file.write_text(BOMBS[bomb] if kind == "tasks" else BOMBS[bomb].replace("tasks:", "parameters:"))
    connection = folder / "worker.json"
    public, secret = zmq.curve_keypair()
    members = {
        "version": 1, "role": "worker", "name": "w", "endpoints": ["tcp://127.0.0.1:1"],
        "server": public.decode(), "secret": secret.decode(),
    }  # fmt: skip
    connection.touch(0o600)
    connection.write_text(json.dumps(members))
    command = (
        ["worker", "--connection", str(connection), "--tasks", str(file)] if kind == "tasks" else ["run", str(file)]
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [str(BINARY), *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder)},
    )  # fmt: skip
    try:
        said = process.communicate(timeout=20)[0].decode(errors="replace")
    finally:
        process.kill()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode != 0 and str(file) in said or "yaml" in said, said[:300]
    assert "Fatal error" not in said and process.returncode > 0
    assert used.ru_utime - before.ru_utime < 2, "it computes too long"
    assert len(said) < 64 << 10


def test_a_definition_from_an_operator(daemon: Daemon) -> None:
    """What `launch` sends is read by the daemon with the same care."""
    from peer import OPERATOR, Peer

    operators = json.loads((daemon.data / "endpoint.json").read_text())["operators"]
    with Peer(operators) as operator:
        for bomb in BOMBS.values():
            body = json.dumps({"op": "launch", "definition": bomb[: 50 << 10], "directory": "/"}).encode()
            operator.send(OPERATOR, body[: 64 << 10])
            answer = operator.hear(within=10)
            assert answer is not None and "error" in answer
        for body in (b"", b"[]", b"{", b'{"op":7}', b'{"op":"tell","sweep":1e99}', b"\xff", b'{"op":"x\x1b[2J"}'):
            operator.send(OPERATOR, body)
            answer = operator.hear(within=5)
            assert answer is not None and "error" in answer
        operator.send(OPERATOR, b'{"op":"ping"}')
        assert (operator.hear(within=5) or {}).get("ok")
