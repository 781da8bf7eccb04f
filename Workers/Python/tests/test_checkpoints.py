# SPDX-License-Identifier: MIT
"""Whatever is killed and when: what was told of a checkpoint stays true, and there is always a whole one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import sweepd
from sweepd import _checkpoints

SOURCE = Path(sweepd.__file__).parent.parent


def save(folder: Path, step: int, content: str, supersedes: bool = False) -> _checkpoints.Saved:
    temporary = _checkpoints.prepare(folder, step)
    (temporary / "w").write_text(content)
    saved = _checkpoints.publish(temporary, folder, step)
    return _checkpoints.supersede(saved) if supersedes else saved


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_was_told_stays_true(tmp_path):
    saved = [save(tmp_path, 3, content) for content in ("one", "two", "three")]
    assert [Path(checkpoint.location).name for checkpoint in saved] == ["step-3", "step-3-2", "step-3-3"]
    for checkpoint, content in zip(saved, ("one", "two", "three")):
        assert sweepd.digest(checkpoint.location) == (checkpoint.sha256, checkpoint.bytes)
        assert Path(checkpoint.location, "w").read_text() == content


def test_a_link_or_a_file_in_its_place_is_left_alone(tmp_path):
    (tmp_path / "step-3").symlink_to("nowhere")
    (tmp_path / "step-3-2").write_text("")
    assert save(tmp_path, 3, "x").location == str(tmp_path / "step-3-3")


def test_where_nobody_reads_along_the_last_replaces_the_others(tmp_path):
    for name in ("step-3-x", "step-33", "step-30-2"):
        (tmp_path / name).mkdir()
    for content in ("one", "two", "three"):
        saved = save(tmp_path, 3, content, supersedes=True)
        assert saved.location == str(tmp_path / "step-3")
        assert (tmp_path / "step-3" / "w").read_text() == content
        assert sweepd.digest(saved.location)[0] == saved.sha256
    assert names(tmp_path) == ["step-3", "step-3-x", "step-30-2", "step-33"]


KILLED = """
    import os, pathlib, signal, sys
    from sweepd import _checkpoints
    from test_checkpoints import save
    folder, count, supersedes = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    rename, calls = pathlib.Path.rename, 0

    def counted(self, target):
        global calls
        calls += 1
        if calls > count:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    pathlib.Path.rename = counted
    save(folder, 3, "new", supersedes)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("supersedes", [False, True])
@pytest.mark.parametrize("renames", range(4))
def test_killed_between_the_renames(tmp_path, renames, supersedes):
    first = save(tmp_path, 3, "old")
    path = f"{SOURCE}{os.pathsep}{Path(__file__).parent}"
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), str(renames), str(int(supersedes))]
    process = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert process.returncode == -signal.SIGKILL
    whole = [name for name in names(tmp_path) if name.startswith("step-")]
    contents = [(tmp_path / name / "w").read_text() for name in whole]
    assert contents and set(contents) <= {"old", "new"}
    assert renames == 0 or "new" in contents
    if not supersedes:
        # The coordinator knows of this one only.
        assert sweepd.digest(first.location)[0] == first.sha256
    # Whoever comes next is not in the way of what is left, nor is that in the way.
    last = save(tmp_path, 3, "newest", supersedes)
    assert sweepd.digest(last.location)[0] == last.sha256
    assert (Path(last.location) / "w").read_text() == "newest"


def test_a_location_names_no_way_up(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    saved = save(Path("../c"), 1, "x")
    assert saved.location == str(tmp_path / "c" / "step-1")
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/away")
    assert save(tmp_path / "link" / ".." / "c", 1, "x").location == str(tmp_path / "far" / "c" / "step-1")
    # A link that everybody knows by this name stays as it is.
    assert save(tmp_path / "link", 1, "x").location == str(tmp_path / "link" / "step-1")
