# SPDX-License-Identifier: MIT
from __future__ import annotations

import hashlib
import os

import pytest

import sweepd


def test_vectors(tmp_path):
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sweepd.digest(tmp_path) == (empty, 0)
    (tmp_path / "b").write_bytes(b"hello\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "z").write_bytes(b"")
    (tmp_path / "a.txt").write_bytes(b"\0\1")
    (tmp_path / "folder without files").mkdir()
    # Bytes of the paths: "a.txt" comes before "a/z", because '.' is less than '/'.
    text = b"a.txt\x002\x00\x00\x01" + b"a/z\x000\x00" + b"b\x006\x00hello\n"
    expected = "6992f2f88f373000e1d1e9b001976f4984896420613a8806649c51dc2cd84240"
    assert sweepd.digest(tmp_path) == (expected, 8)
    assert hashlib.sha256(text).hexdigest() == expected


def test_names_that_are_no_text(tmp_path):
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"x")
    assert sweepd.digest(tmp_path) == (hashlib.sha256(b"\xff\x001\x00x").hexdigest(), 1)


def test_large_files(tmp_path):
    data = os.urandom(3 * (1 << 20) + 17)
    (tmp_path / "w").write_bytes(data)
    assert sweepd.digest(tmp_path) == (hashlib.sha256(b"w\0%d\0" % len(data) + data).hexdigest(), len(data))


def test_links_are_refused(tmp_path):
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(ValueError, match="link"):
        sweepd.digest(tmp_path)
