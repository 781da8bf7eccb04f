# SPDX-License-Identifier: MIT
"""Invitations, revocation, the files of keys, and where secrets do not turn up."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon import BINARY, Daemon, wait_for
from peer import Keys, Peer, enrol, keys_of, own_keys, read_token, write_token


def join(daemon: Daemon, token: str, *options: str) -> str:
    """Take an invitation with the real command; returns its status and what it said."""
    file = daemon.folder / "joined.json"
    return daemon.run("join", "--connection", str(file), *options, stdin=token + "\n", check=False)


def test_a_used_invitation(daemon: Daemon) -> None:
    token = daemon.invite()
    enrol(daemon, token=token)
    with Peer(daemon.port, keys_of(token)) as guest:
        answer = guest.ask_to_enrol(own_keys(read_token(token)["server"]).public)
        assert answer is not None and "has been used" in answer["error"]


def test_its_first_user_may_ask_again(daemon: Daemon) -> None:
    token = daemon.invite()
    own = own_keys(read_token(token)["server"])
    with Peer(daemon.port, keys_of(token)) as guest:
        answers = [guest.ask_to_enrol(own.public, "w") for _ in range(3)]
    assert [answer and answer.get("name") for answer in answers] == ["w"] * 3


def test_a_race_for_one_invitation(daemon: Daemon) -> None:
    token = daemon.invite()
    admitted: list[str] = []

    def try_it() -> None:
        with Peer(daemon.port, keys_of(token)) as guest:
            answer = guest.ask_to_enrol(own_keys(read_token(token)["server"]).public, within=10)
            if answer and answer.get("ok"):
                admitted.append(answer["name"])

    threads = [threading.Thread(target=try_it) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 1


def test_an_expired_invitation(daemon: Daemon) -> None:
    token = daemon.invite("--ttl", "1s", "--operator")
    keys = keys_of(token)
    time.sleep(2.2)
    assert "expired at" in join(daemon, token)
    # And where the reader's clock is wrong, or lies: the coordinator says no by itself.
    later = write_token(read_token(token) | {"expires": int(time.time()) + 3600})
    with Peer(daemon.port, keys_of(later)) as guest:
        answer = guest.ask_to_enrol(own_keys(keys.server).public, within=2)
        assert answer is None or "error" in answer


def test_a_withdrawn_invitation(daemon: Daemon) -> None:
    token = daemon.invite()
    daemon.run("workers", "--revoke", "invitations")
    with Peer(daemon.port, keys_of(token)) as guest:
        assert guest.ask_to_enrol(own_keys(read_token(token)["server"]).public, within=2) is None


def test_an_invitation_of_another_coordinator(make: Callable[..., Daemon]) -> None:
    one, other = make().start(), make().start()
    foreign = read_token(other.invite()) | {"endpoints": [f"tcp://127.0.0.1:{one.port}"]}
    with Peer(one.port, keys_of(write_token(foreign))) as guest:
        assert guest.ask_to_enrol(own_keys(foreign["server"]).public, within=2) is None
    # Also with the right server and the foreign secret.
    mixed = foreign | {"server": read_token(one.invite())["server"]}
    with Peer(one.port, keys_of(write_token(mixed))) as guest:
        assert guest.ask_to_enrol(own_keys(mixed["server"]).public, within=2) is None


def test_garbled_invitations(daemon: Daemon) -> None:
    token = daemon.invite("--operator")
    secret = read_token(token)["secret"]
    members = read_token(token)
    garbled = [
        token[:-9],
        token[:40] + "!" + token[40:],
        token.replace("sweepd1.", "sweepd2."),
        "sweepd1.",
        "sweepd1." + "A" * 9000,
        write_token(members | {"v": 2}),
        write_token(members | {"endpoints": ["ipc:///tmp/x"]}),
        write_token(members | {"endpoints": [members["endpoints"][0]] * 9}),
        write_token(members | {"endpoints": ["tcp://*:1"]}),
        write_token(members | {"role": "root"}),
        write_token(members | {"secret": secret[:-1]}),
        write_token(members | {"secret": 7}),
        write_token({name: value for name, value in members.items() if name != "server"}),
        "\x1b[2J" + token,
        "x" * 100_000,
    ]
    for text in garbled:
        said = join(daemon, text)
        assert not said.startswith("0\n"), text[:60]
        # What is said of it repeats none of it.
        assert secret not in said and token[12:40] not in said and "\x1b" not in said, said


def test_a_token_in_an_argument_is_refused(daemon: Daemon) -> None:
    token = daemon.invite()
    said = daemon.run("worker", "--join", token, check=False)
    assert not said.startswith("0\n") and "command line" in said and token[8:40] not in said


def test_a_refused_operator_is_told(daemon: Daemon) -> None:
    token = daemon.invite()
    assert join(daemon, write_token(read_token(token) | {"role": "operator"})).startswith("0\n")
    file = str(daemon.folder / "joined.json")
    assert not daemon.run("drain", "--connection", file, check=False, timeout=40).startswith("0\n")


def test_a_workers_invitation_makes_no_operator(daemon: Daemon) -> None:
    token = daemon.invite()
    daemon.launch("victim")
    # It may join, and gets what its key is for: nothing of an operator's.
    assert join(daemon, write_token(read_token(token) | {"role": "operator"})).startswith("0\n")
    file = str(daemon.folder / "joined.json")
    for command in (["drain"], ["pause", "victim"], ["workers", "--revoke", "invitations"], ["invite", "--operator"]):
        daemon.run(*command, "--connection", file, check=False, timeout=40)
    operator = daemon.invite("--operator")
    with Peer(daemon.port, keys_of(operator)) as guest:
        assert (guest.ask_to_enrol(own_keys(read_token(operator)["server"]).public) or {}).get("ok")
    with Peer(daemon.port, enrol(daemon)) as worker:
        # Neither drained nor paused.
        worker.greet(commands=True)
        assert worker.lease()


@pytest.mark.parametrize("wish", ["../../x", "\x1b[2J", "a\nb", "", ".", "-rf", "invitations", "é" * 100, "a/b", "1234"])
def test_names_that_are_wished_for(daemon: Daemon, wish: str) -> None:
    name = enrol(daemon, wish).name
    assert 1 <= len(name) <= 64 and name.isascii() and not set(name) - set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    )
    assert name != "invitations" and name[0] not in "-."
    # The workers of this machine are called by the number of their process.
    assert not name.isdigit()
    assert enrol(daemon, wish).name != name


def test_a_revoked_key_is_cut_at_once(daemon: Daemon) -> None:
    daemon.launch("victim")
    keys = enrol(daemon)
    with Peer(daemon.port, keys) as worker, Peer(daemon.port, enrol(daemon, "honest")) as honest:
        worker.greet()
        fence = worker.lease()["fence"]
        assert worker.beats() is not None
        start = time.monotonic()
        daemon.run("workers", "--revoke", keys.name)
        # It hears that, or nothing; and is not heard.
        worker.events({"fence": fence, "seq": 1, "kind": "started"})
        worker.events({"fence": fence, "seq": 1, "kind": "report", "step": 1, "metrics": {"loss": -1e9}})
        answers = []
        while answer := worker.hear(within=0.5):
            answers.append(answer["t"])
        assert "ack" not in answers and "welcome" not in answers
        assert keys.name not in {one["key"] for one in daemon.workers()}
        assert time.monotonic() - start < 5
        worker.say("hello", session="", epoch=0, **worker.hello_members())
        assert worker.hear("welcome", 1.5) is None
        # A new connection does not even get through its handshake.
        with Peer(daemon.port, keys) as again:
            again.say("hello", session="", epoch=0, **again.hello_members())
            assert again.hear(within=1.5) is None
        # Others are back in a moment.
        honest.greet()
        assert honest.beats() is not None
    assert all(trial.get("value") is None for trial in daemon.trials("victim"))
    # The key cannot be brought in again, and its name is not given again.
    token = daemon.invite()
    with Peer(daemon.port, keys_of(token)) as guest:
        answer = guest.ask_to_enrol(keys.public, keys.name)
        assert answer is not None and "error" in answer
    assert enrol(daemon, keys.name).name != keys.name


def test_the_connection_of_a_revoked_key_ends_within_a_second(daemon: Daemon) -> None:
    import zmtp

    keys = enrol(daemon)
    wire = zmtp.Wire(("127.0.0.1", daemon.port), 10)
    zmtp.CurveClient(keys.server, keys.public, keys.secret).shake(wire)
    done: list[float] = []

    def revoke() -> None:
        daemon.run("workers", "--revoke", keys.name)
        done.append(time.monotonic())

    thread = threading.Thread(target=revoke)
    thread.start()
    with pytest.raises(zmtp.Closed):
        while True:
            wire.frame()
    cut = time.monotonic()
    thread.join()
    assert cut - done[0] < 1


def test_revocation_outlives_a_restart(daemon: Daemon) -> None:
    keys, others = enrol(daemon), enrol(daemon, "honest")
    token = daemon.invite()
    daemon.run("workers", "--revoke", keys.name)
    daemon.process.kill()
    daemon.process.wait()
    daemon.start()
    with Peer(daemon.port, keys) as revoked, Peer(daemon.port, others) as honest, Peer(
        daemon.port, keys_of(token)
    ) as guest:
        revoked.say("hello", session="", epoch=0, **revoked.hello_members())
        honest.greet()
        assert revoked.hear(within=0.5) is None
        assert (guest.ask_to_enrol(own_keys(keys.server).public) or {}).get("ok")


# Files.


def damaged_key(daemon: Daemon, damage: Callable[[Path], None]) -> str:
    daemon.start()
    daemon.stop()
    damage(daemon.data / "keys/server.key")
    daemon.launch_process()
    ended = wait_for(lambda: not daemon.is_alive, 10)
    assert ended and daemon.process.returncode != 0, f"it serves: {daemon.log()}"
    return daemon.log()


def to_link(key: Path) -> None:
    key.rename(key.with_name("elsewhere"))
    key.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda key: key.chmod(0o644), "others may read"),
        (lambda key: key.chmod(0o640), "others may read"),
        (to_link, "symbolic link"),
        (lambda key: key.write_text("short\n"), "no key"),
        (lambda key: key.write_text("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\n"), "no key"),
        (lambda key: (key.unlink(), key.mkdir()), "no plain file"),
        (lambda key: (key.unlink(), os.mkfifo(key, 0o600)), "no plain file"),
        (lambda key: key.parent.chmod(0o777), "others may"),
        (lambda key: key.parent.chmod(0o770), "others may"),
    ],
    ids=["0644", "0640", "link", "short", "published", "folder", "pipe", "folder-0777", "folder-0770"],
)
def test_a_key_file_that_is_not_as_it_was_left(
    make: Callable[..., Daemon], damage: Callable[[Path], None], word: str
) -> None:
    assert word in damaged_key(make(), damage)


@pytest.mark.parametrize("damage", ["0644", "link", "folder"])
def test_a_connection_file_that_is_not_as_it_was_left(daemon: Daemon, damage: str) -> None:
    said = join(daemon, daemon.invite("--operator"))
    assert said.startswith("0\n"), said
    file = daemon.folder / "joined.json"
    assert file.stat().st_mode & 0o777 == 0o600
    if damage == "0644":
        file.chmod(0o644)
    elif damage == "link":
        to_link(file)
    else:
        safe = daemon.folder / "loose"
        safe.mkdir()
        file.rename(safe / "joined.json")
        file = safe / "joined.json"
        safe.chmod(0o777)
    said = daemon.run("workers", "--connection", str(file), check=False)
    assert not said.startswith("0\n"), said


# Secrets.


def test_canaries(daemon: Daemon) -> None:
    """Whatever is secret stands in the files that are for it, and nowhere else."""
    token = daemon.invite("--uses", "2")
    folder = daemon.folder / "elsewhere"
    folder.mkdir()
    connection = folder / "c" / "worker.json"
    script = folder / "trial.sh"
    script.write_text('#!/bin/sh\nenv > "$PROBE_PLACE/env.$$"; ps -ef > "$PROBE_PLACE/ps.$$"; sleep 3\n')
    script.chmod(0o755)
    probe = folder / "probe"
    probe.mkdir()
    log = folder / "log"
    with open(log, "wb") as output:
        worker = subprocess.Popen(
            [
                str(BINARY), "worker", "--join", "-", "--connection", str(connection), "--allow-command",
                "--slots", "1", "--files", str(folder / "files"),
            ],
            env=daemon.env | {"PROBE_PLACE": str(probe), "SWEEPD_JOIN": token},
            stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=folder,
        )  # fmt: skip
    try:
        worker.stdin.write(token.encode() + b"\n")
        worker.stdin.close()
        daemon.launch("canary", 1, json.dumps([str(script)]))
        assert wait_for(lambda: any(probe.glob("ps.*")), 20), log.read_text()
        secret = json.loads(connection.read_text())["secret"]
        canaries = {
            "token": token[8:],
            "invitation": read_token(token)["secret"],
            "worker": secret,
            "server": (daemon.data / "keys/server.key").read_text().strip(),
        }
        mine = {worker.pid, daemon.process.pid}
        children = [
            pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            # The guard is a fork of the worker, and has its environment.
            if _parents(pid) & mine and os.path.realpath(f"/proc/{pid}/exe") != os.path.realpath(BINARY)
        ]  # fmt: skip
        assert children, "no child to look into"
        texts = {f"environment of {pid}": _read(f"/proc/{pid}/environ") for pid in children}
        texts |= {f"arguments of {pid}": _read(f"/proc/{pid}/cmdline") for pid in [*children, *mine]}
        texts |= {"log of the daemon": daemon.log_file.read_bytes(), "log of the worker": log.read_bytes()}
    finally:
        worker.terminate()
        worker.wait(30)
    for root in (daemon.data, folder, daemon.folder):
        for file in root.rglob("*"):
            if file.is_file() and not file.is_symlink():
                texts[str(file)] = file.read_bytes()
    hits = [
        f"{name} in {place}"
        for name, value in canaries.items()
        for place, text in texts.items()
        for written in (value, value.replace("/", "\\/"))
        if written.encode() in text and place not in (str(connection), str(daemon.data / "keys/server.key"))
    ]
    assert not hits, hits


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _parents(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            break
        found.add(pid)
    return found


def test_errors_show_no_secret(daemon: Daemon) -> None:
    keys: Keys = enrol(daemon)
    file = daemon.folder / "broken.json"
    file.write_text(json.dumps({"version": 1, "role": "worker", "secret": keys.secret, "name": "x"}))
    file.chmod(0o600)
    said = daemon.run("worker", "--connection", str(file), check=False)
    assert not said.startswith("0\n") and keys.secret not in said
