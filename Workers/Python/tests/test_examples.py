# SPDX-License-Identifier: MIT
"""The example scripts outside a sweep, and the digits' resumed curve."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fake_agent import FakeAgent

import sweepd

SOURCE = Path(sweepd.__file__).parent.parent
EXAMPLES = Path(__file__).parents[2] / "Examples"


def output(command: list[str], folder: Path, **environment: str) -> str:
    everything = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    result = subprocess.run(
        command, cwd=folder, env=everything, capture_output=True, text=True, timeout=120, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize(("client", "printed"), [(str(SOURCE), "step 1 value="), ("", "value=")])
def test_branin(tmp_path, client, printed):
    train = str(EXAMPLES / "branin" / "train.py")
    # -S: not even an installed client can be imported.
    python = [sys.executable] if client else [sys.executable, "-S"]
    text = output([*python, train, "--x=3.14159265", "--y=2.275"], tmp_path, PYTHONPATH=client)
    assert text == f"{printed}0.397887\n"


def test_branin_takes_its_time(tmp_path):
    train = str(EXAMPLES / "branin" / "train.py")
    text = output([sys.executable, train, "--x=3.14159265", "--y=2.275"], tmp_path, BRANIN_SECONDS="0.05")
    assert [line.split()[1] for line in text.splitlines()] == ["1", "2", "3", "4", "5"]
    assert text.splitlines()[-1].endswith("value=0.397887")


def test_plain_script():
    text = output(["sh", "train.sh", "--lr=0.1", "--epochs=3"], EXAMPLES / "plain-script")
    pattern = re.search(r"pattern: '(.*)'", (EXAMPLES / "plain-script" / "sweep.yaml").read_text())[1]
    found = [match.groupdict() for match in re.finditer(pattern.replace("(?<", "(?P<"), text)]
    assert [match["step"] for match in found] == ["1", "2", "3"]
    assert float(found[-1]["val_loss"]) < float(found[0]["val_loss"]) < 9


def test_digits_resumed_is_digits_undisturbed(short_path, tmp_path):
    pytest.importorskip("numpy")
    pytest.importorskip("sklearn")
    (tmp_path / "p.json").write_text(json.dumps({"units": 16, "epochs": 6, "batch_size": 64}))
    curves = []
    for number, (stop_at, resume) in enumerate([(None, None), (3, None), (None, 4)]):
        agent = FakeAgent(short_path / f"s{number}", stop_at=stop_at)
        environment = {
            "SWEEPD_TRIAL": "0", "SWEEPD_SEED": "11", "SWEEPD_PARAMS": str(tmp_path / "p.json"),
            "SWEEPD_SOCKET": str(agent.path), "SWEEPD_CHECKPOINT_DIR": str(tmp_path / f"c{number}"),
        }  # fmt: skip
        if resume:
            saved = curves[1][-1]
            environment.update(SWEEPD_RESUME_CHECKPOINT=saved["path"], SWEEPD_RESUME_STEP=str(saved["step"]))
        output([sys.executable, str(EXAMPLES / "digits" / "train.py")], tmp_path, **environment)
        assert agent.over.wait(5)
        curves.append(agent.lines[1:])
        agent.close()
    undisturbed, stopped, resumed = ([line for line in curve if line["type"] == "report"] for curve in curves)
    assert curves[1][-1]["type"] == "checkpoint"
    assert len(stopped) < len(undisturbed) == 6
    assert stopped + resumed == undisturbed
    assert undisturbed[-1]["metrics"]["val_loss"] < undisturbed[0]["metrics"]["val_loss"]
