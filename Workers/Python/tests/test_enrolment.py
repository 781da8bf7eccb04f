# SPDX-License-Identifier: MIT
"""Tokens and connection files: what is read, what is refused, and that no secret is ever told."""

from __future__ import annotations

import json
import logging
import os
import pickle
import stat
import traceback
from pathlib import Path

import pytest

from sweepd import _connection, _curve, _keys, _token

FOLDER = Path(__file__).resolve().parents[2] / "Conformance"
TOKENS = json.loads((FOLDER / "tokens.json").read_text(encoding="utf-8"))
CONNECTIONS = json.loads((FOLDER / "connections.json").read_text(encoding="utf-8"))
GOOD = TOKENS[0]
CONNECTION = _connection.Connection(
    "worker", "gpu1", ("tcp://h:1",), CONNECTIONS[0]["server"], CONNECTIONS[0]["secret"]
)


@pytest.mark.parametrize("vector", TOKENS, ids=lambda vector: vector["name"])
def test_tokens(vector):
    if "refused" not in vector:
        token = _token.parse(vector["token"], vector["now"])
        members = ("role", "endpoints", "server", "secret", "expires")
        assert {**token._asdict(), "endpoints": list(token.endpoints)} == {name: vector[name] for name in members}
        return
    with pytest.raises(_token.InvitationError) as raised:
        _token.parse(vector["token"], vector["now"])
    text = str(raised.value)
    assert ("expired" in text) == (vector["refused"] == "expired")
    assert ("another version of sweepd" in text) == (vector["refused"] == "version")
    # Neither the message nor what caused it holds anything of the token.
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__dict__)
    assert raised.value.__context__ is None or isinstance(raised.value.__context__, _keys.Malformed)
    for secret in (GOOD["secret"], GOOD["server"], vector["token"][8:].strip()):
        assert len(secret) < 20 or secret not in told


def test_a_token_that_expired_is_refused_with_the_time():
    with pytest.raises(_token.InvitationError, match="expired at 2027-01-15 08:00:00 UTC; it is 2027-01-15 08:00:00"):
        _token.parse(GOOD["token"], GOOD["expires"])


@pytest.mark.parametrize("vector", CONNECTIONS, ids=lambda vector: vector["name"])
def test_connection_files(vector, tmp_path):
    file = tmp_path / "worker.json"
    file.write_text(vector["text"], encoding="utf-8")
    file.chmod(0o600)
    if "refused" not in vector:
        read = _connection.read(file)
        assert (read.role, read.name, list(read.endpoints)) == (vector["role"], vector["called"], vector["endpoints"])
        assert (read.server, read.secret) == (vector["server"], vector["secret"])
        return
    with pytest.raises(_connection.ConnectionFileError, match="worker.json") as raised:
        _connection.read(file)
    assert GOOD["secret"] not in "".join(traceback.format_exception(raised.value))


def test_what_is_written_is_read_and_nobody_elses_to_read(tmp_path):
    before = os.umask(0)
    try:
        file = tmp_path / "a" / "b" / "worker.json"
        _connection.write(file, CONNECTION)
        assert _connection.read(file) == CONNECTION
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        _connection.write(file, CONNECTION._replace(name="other"))
        assert _connection.read(file).name == "other"
        assert [entry.name for entry in file.parent.iterdir()] == ["worker.json"]
    finally:
        os.umask(before)


def test_a_link_is_replaced_and_not_followed_when_writing(tmp_path):
    target = tmp_path / "target"
    target.write_text("mine")
    file = tmp_path / "worker.json"
    file.symlink_to(target)
    _connection.write(file, CONNECTION)
    assert target.read_text() == "mine" and _connection.read(file) == CONNECTION


def test_loose_files_are_refused(tmp_path):
    file = tmp_path / "worker.json"
    _connection.write(file, CONNECTION)
    for mode in (0o640, 0o604, 0o660, 0o602, 0o610):
        file.chmod(mode)
        with pytest.raises(_connection.ConnectionFileError, match="others.*chmod 600"):
            _connection.read(file)
    file.chmod(0o600)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    with pytest.raises(_connection.ConnectionFileError, match="symbolic link"):
        _connection.read(link)
    with pytest.raises(_connection.ConnectionFileError, match="no regular file"):
        _connection.read(tmp_path)
    with pytest.raises(_connection.ConnectionFileError, match="not enrolled"):
        _connection.read(tmp_path / "none.json")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(_connection.ConnectionFileError, match="no regular file"):
        _connection.read(tmp_path / "pipe")
    file.write_text(" " * 70_000)
    with pytest.raises(_connection.ConnectionFileError, match="65536 bytes"):
        _connection.read(file)


def test_another_users_file_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "worker.json"
    _connection.write(file, CONNECTION)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(_connection.ConnectionFileError, match="another user"):
        _connection.read(file)


def test_a_folder_that_others_may_write_to_is_refused(tmp_path):
    for mode in (0o770, 0o777, 0o702):
        tmp_path.chmod(mode)
        with pytest.raises(_connection.ConnectionFileError, match="written to by others"):
            _connection.write(tmp_path / "worker.json", CONNECTION)
        assert list(tmp_path.iterdir()) == []
    # As /tmp is.
    tmp_path.chmod(0o1777)
    _connection.write(tmp_path / "worker.json", CONNECTION)


def test_where_the_file_lies(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    for variable, folder in (("/conf", "/conf"), ("", "/home/me/.config"), ("relative", "/home/me/.config")):
        monkeypatch.setenv("XDG_CONFIG_HOME", variable)
        assert _connection.default_path() == Path(folder, "sweepd", "worker.json")
    assert _connection.default_path("operator").name == "operator.json"


def test_no_secret_is_shown(caplog):
    token = _token.parse(GOOD["token"], 0)
    pair = _curve.drawn(token.server)
    with caplog.at_level(logging.DEBUG):
        for thing in (token, CONNECTION, pair, _curve.keys(CONNECTION)):
            logging.getLogger("x").error("%s %r", thing, thing)
            shown = f"{thing} {thing!r} {[thing]} {caplog.text}"
            for secret in (token.secret, CONNECTION.secret, pair.secret):
                assert secret not in shown
    # What is handed to another process is another matter, but it must not be lost on the way.
    assert pickle.loads(pickle.dumps(token)) == token


def test_keys():
    assert _curve.derived(GOOD["server"], GOOD["secret"]).public != GOOD["secret"]
    assert all(map(_keys.is_key, _curve.drawn(GOOD["server"])))
    for text in ("", 7, None, GOOD["server"] + "\n", "ä" * 40):
        assert not _keys.is_key(text)
