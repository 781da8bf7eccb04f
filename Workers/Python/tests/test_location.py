# SPDX-License-Identifier: MIT
"""`Tests/WorkerProtocolTests/CheckpointLocationTests.swift` has the same table."""

from __future__ import annotations

import pytest

from sweepd._location import is_storage, local_path


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/c/4", "/c/4"),
        ("/", "/"),
        ("/c:/4", "/c:/4"),
        ("/a%20b", "/a%20b"),
        ("/\u0301x", "/\u0301x"),
        ("file:///c/4", "/c/4"),
        ("file://localhost/c", "/c"),
        ("FILE:/c", "/c"),
        ("file:///a%20b%C3%A4", "/a bä"),
    ],
)
def test_paths(location, path):
    assert local_path(location) == path
    assert not is_storage(location)


@pytest.mark.parametrize(
    "location",
    [
        "s3://bucket//x",
        "gs://b/c?d#e",
        "a+b-c.1:x",
        "virtual:/1/2",
        "http://169.254.169.254/",
        "file://host/c",
        "files:///c",
        "file:c",
    ],
)
def test_storage(location):
    assert local_path(location) is None
    assert is_storage(location)


@pytest.mark.parametrize(
    "location",
    ["", "c", "c/4", "../x", "./c", "~/c", "1a:x", ":x", "s3:", "bucket/a:b", "/a\0b", "s3://a\0b", "ä:x"]
    + [f"file:///{end}" for end in ("c%00d", "c%", "c%2", "c%g0", "%FF", "c%+1")],
)
def test_neither(location):
    with pytest.raises(ValueError):
        local_path(location)
    assert not is_storage(location)


@pytest.mark.parametrize(
    "location", ["s3://b/../c", "s3://b/c d", "s3://b/\n", "s3://b/\x7f", "s3://b/" + "x" * 4096, None, 7, b"s3://b/c"]
)
def test_storage_has_one_spelling(location):
    assert not is_storage(location)
