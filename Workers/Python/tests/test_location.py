# SPDX-License-Identifier: MIT
"""`CheckpointLocationTests.swift` and `StoragePrefixTests.swift` (Tests/WorkerProtocolTests) have the same tables."""

from __future__ import annotations

import pytest

from sweepd._location import StoragePrefix, is_storage, local_path


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


@pytest.mark.parametrize(
    ("prefix", "location"),
    [
        ("s3://b/p", "s3://b/p/4"),
        ("s3://b/p/", "s3://b/p/s/1/a7"),
        ("s3://b/p", "s3://b/p//x"),
        ("s3://b", "s3://b/x"),
        ("s3://b/", "s3://b/x"),
        ("s3://b/p q", "s3://b/p q/x y"),
        ("hdfs:///a", "hdfs:///a/b"),
        ("dbfs:/a", "dbfs:/a/b"),
        ("s3://b/p", "s3://b/p/50%25/1"),
        ("s3://b/p", "s3://b/p/a%2Fb/1"),
        ("s3://b/p", "s3://b/p/%2Ehidden"),
        ("s3://b/p", "s3://b/p/a..b/..."),
        ("s3://b/p", "s3://b/p/100%"),
        ("s3://b/p", "s3://b/p/\u0301x"),
        ("http://u@h:80/p", "http://u@h:80/p/x"),
    ],
)
def test_below_a_prefix(prefix, location):
    assert StoragePrefix(prefix).contains(location)


@pytest.mark.parametrize(
    "location",
    # Somebody else's place.
    ["s3://attacker/p/x", "s3://b.evil/p/x", "s3://b@evil/p/x", "s3://b:1/p/x", "gs://b/p/x", "S3://b/p/x", "s3:/b/p/x"]
    + ["s3:///b/p/x", "s3://B/p/x", "/b/p/x", "b/p/x", "s3://", "s3:", "file:///b/p/x"]
    # Not below it.
    + [f"s3://b/{end}" for end in ("px", "p", "p/", "p//", "x/p/y", "/p/x", "P/x", "%70/x")]
    # Out of it again, for some reader.
    + [f"s3://b/p/{end}" for end in ("../x", "..", "./x", "%2e%2e/x", ".%2E/x", "%2e/x", "%2E.%2Fx", "..%2fx")]
    + [f"s3://b/p/{end}" for end in ("%252e%252e/x", "%25252e%25252e/x", "..\\x", "..%5Cx", "%zz/%2e%2e/x")]
    + ["s3://b\\@evil/p/x"]
    # Something else besides.
    + [f"s3://b/p/x{end}" for end in ("?endpoint_override=evil", "#y", "%00y", "\ny", "%0Ay")],
)
def test_not_below_a_prefix(location):
    assert not StoragePrefix("s3://b/p").contains(location)


@pytest.mark.parametrize(
    "text",
    ["/a", "a", "file:///a", "runs:x", "s3:", "s3://", "s3://b/../c", "s3://b/%2e%2e/c", "s3://b?x=y", "s3://b/p#q"]
    + [""],
)
def test_no_prefix(text):
    with pytest.raises(ValueError):
        StoragePrefix(text)
