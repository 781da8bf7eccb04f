# SPDX-License-Identifier: MIT
from __future__ import annotations

import hashlib
import os

import pytest

import sweepd
from sweepd import _digest as digests


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


@pytest.mark.parametrize("target", ["/etc", "elsewhere"])
def test_links_to_folders_are_refused(tmp_path, target):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to(target)
    with pytest.raises(ValueError, match="a/link"):
        sweepd.digest(tmp_path)


def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "w").write_text("x")
    for swapped, target in (("a/w", "/etc/passwd"), ("a", "/etc")):
        place, aside = tmp_path / swapped, tmp_path.parent / f"{tmp_path.name}-aside"

        calls = []

        # Asked for "a", for "a/w", and when that is about to be opened.
        def swap(calls=calls, place=place, aside=aside, target=target) -> bool:
            calls.append(None)
            if len(calls) == 3:
                place.rename(aside)
                place.symlink_to(target)
            return False

        descriptor = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(OSError):
            digests.open_directory_digest(descriptor, str(tmp_path), swap)
        os.close(descriptor)
        assert len(calls) == 3
        place.unlink()
        aside.rename(place)


@pytest.mark.parametrize("size", [1, 2 << 20, 4 << 20])
def test_a_file_that_grows_or_shrinks_meanwhile_is_noticed(tmp_path, size):
    (tmp_path / "w").write_bytes(bytes(3 << 20))
    calls = iter(range(99))

    def change() -> bool:
        if next(calls) == 3:
            os.truncate(tmp_path / "w", size)
        return False

    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(digests.Changed):
        digests.open_directory_digest(descriptor, str(tmp_path), change)
    os.close(descriptor)


def test_depth_is_bounded(tmp_path):
    folder = tmp_path.joinpath(*["d"] * digests.DEPTH)
    folder.mkdir(parents=True)
    (folder / "f").write_text("x")
    assert sweepd.digest(tmp_path)[1] == 1
    (folder / "d").mkdir()
    with pytest.raises(ValueError, match="levels"):
        sweepd.digest(tmp_path)


def test_no_descriptor_is_left_open(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "w").write_text("x")
    sweepd.digest(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "a" / "link").symlink_to("b")
    for _ in range(5):
        with pytest.raises(ValueError):
            sweepd.digest(tmp_path)
    (tmp_path / "a" / "link").unlink()
    for _ in range(5):
        sweepd.digest(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
