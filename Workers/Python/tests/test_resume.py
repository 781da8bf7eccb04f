# SPDX-License-Identifier: MIT
"""Which checkpoint is gone on from; `Tests/WorkerAgentTests/ResumeChoiceTests.swift` says the same in Swift."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import sweepd
from sweepd._digest import Interrupted
from sweepd._resume import choose
from sweepd._wire import Checkpoint

ADVICE = (
    "which this machine can't reach: put checkpoints on a path that all workers share (checkpoints: {path: …} in the "
    "sweep file)"
)


@pytest.fixture
def saved(tmp_path):
    """Return what makes a checkpoint of one file, with its digest."""

    def make(step: int, digested: bool = True) -> Checkpoint:
        folder = tmp_path / f"step-{step}"
        folder.mkdir()
        (folder / "w").write_text(f"weights {step}")
        digest, size = sweepd.digest(folder)
        return Checkpoint(step, str(folder), digest if digested else "", size)

    return make


def test_the_newest_that_is_whole(saved):
    new, old = saved(15), saved(10)
    assert choose([new, old]) == (new, [])
    assert choose([]) == (None, [])
    upper = new._replace(digest=new.digest.upper())
    assert choose([upper]) == (upper, [])


def test_a_damaged_one_is_passed_over(saved):
    new, old = saved(15), saved(10)
    Path(new.location, "w").write_text("weights 1\0")
    assert choose([new, old]) == (
        old,
        [
            f"the checkpoint of step 15 at {new.location} is damaged (its digest differs); "
            "going on from the one of step 10"
        ],
    )


def test_a_file_too_many_or_too_few_is_damage(saved):
    checkpoint = saved(15)
    extra = Path(checkpoint.location, "extra")
    extra.touch()
    assert choose([checkpoint])[0] is None
    extra.unlink()
    assert choose([checkpoint])[0] == checkpoint
    Path(checkpoint.location, "w").unlink()
    assert choose([checkpoint])[0] is None


def test_without_a_digest_the_folder_has_to_be_there(saved):
    checkpoint = saved(15, digested=False)
    Path(checkpoint.location, "w").write_text("something else")
    Path(checkpoint.location, "latest").symlink_to("w")
    assert choose([checkpoint]) == (checkpoint, [])
    shutil.rmtree(checkpoint.location)
    missing = f"the checkpoint of step 15 at {checkpoint.location} is missing; the trial starts from the beginning"
    assert choose([checkpoint]) == (None, [missing])


def test_links_are_not_followed(saved, tmp_path):
    new, old = saved(15), saved(10)
    link = tmp_path / "latest"
    link.symlink_to(new.location)
    for location in (str(link), f"{link}//"):
        checkpoint, (warning,) = choose([new._replace(location=location), old])
        assert checkpoint == old
        assert warning.endswith("/latest is a link, and no folder; going on from the one of step 10")
    Path(new.location, "m").mkdir()
    Path(new.location, "m", "p").symlink_to("/etc/passwd")
    assert "is damaged ('m/p': neither a file nor a folder)" in choose([new])[1][0]
    Path(new.location, "m", "p").unlink()
    os.mkfifo(Path(new.location, "m", "p"))
    assert "is damaged ('m/p': neither a file nor a folder)" in choose([new])[1][0]
    assert "is a file, and no folder" in choose([new._replace(location=f"{old.location}/w")])[1][0]


def test_another_machines_paths_are_told_once(saved):
    elsewhere = [Checkpoint(15, "/no/such/place/15", "", 0), Checkpoint(10, "/no/such/place/10", "", 0)]
    last = saved(5)
    assert choose([*elsewhere, last]) == (
        last,
        [
            f"the checkpoint of step 15 lies at /no/such/place/15, {ADVICE}; going on from the one of step 5",
            "the checkpoint of step 10 lies at /no/such/place/10, which this machine can't reach either; "
            "going on from the one of step 5",
        ],
    )
    checkpoint, warnings = choose(elsewhere)
    assert checkpoint is None
    assert all(text.endswith("; the trial starts from the beginning") for text in warnings)


def test_a_file_uri_is_a_path(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()
    (folder / "w").write_text("x")
    for prefix in ("file://", "file://localhost", "FILE:"):
        checkpoint = Checkpoint(3, prefix + str(folder).replace(" ", "%20"), sweepd.digest(folder)[0], 1)
        assert choose([checkpoint]) == (checkpoint._replace(location=str(folder)), [])
    assert choose([Checkpoint(3, "file:///etc/passwd", "", 0)])[0] is None


def test_storage_of_the_users_own_is_not_looked_at(saved):
    uri = Checkpoint(15, "s3://bucket//run/15", "0" * 64, 0)
    assert choose([uri, saved(10)]) == (uri, [])
    gone = saved(20)._replace(location="/no/such/place/20")
    assert choose([gone, uri])[0] == uri


def test_a_warning_fits_into_its_event():
    location = "/" + "/".join(["ä" * 120] * 16)
    (warning,) = choose([Checkpoint(2**63 - 1, location, "", 0)])[1]
    assert len(warning) <= 500
    assert warning.endswith("starts from the beginning")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read(saved):
    checkpoint = saved(15)
    Path(checkpoint.location).chmod(0)
    assert "cannot be read (Permission denied)" in choose([checkpoint])[1][0]
    Path(checkpoint.location).chmod(0o700)


def test_it_can_be_given_up(saved):
    with pytest.raises(Interrupted):
        choose([saved(15)], lambda: True)
