# SPDX-License-Identifier: MIT
"""The scripted dialogues that every worker's session is tested against."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from dialogue import Player

FILE = Path(__file__).resolve().parents[2] / "Conformance" / "dialogues.json"
DIALOGUES = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue["name"])
def test_dialogues(dialogue):
    Player(dialogue).play(dialogue["steps"])


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue["name"])
def test_no_step_is_idle(dialogue):
    """Whatever is expected is missed when it does not come, and whatever comes is noticed when it is not expected."""
    for number, step in enumerate(dialogue["steps"]):
        if "expects" not in step and "asks" not in step:
            continue
        steps = copy.deepcopy(dialogue["steps"])
        # Beats may come at any time; and what would come later than the last step does not come.
        is_last = number + 1 == len(steps) and step["at_ms"] > steps[number - 1]["at_ms"]
        if step.get("expects", {}).get("t") != "beat" and not is_last:
            with pytest.raises(AssertionError):
                Player(dialogue).play(steps[:number] + steps[number + 1 :])
        changed = steps[number].get("expects") or steps[number]["asks"]
        changed["t" if "expects" in step else next(iter(changed))] = "nonsense"
        with pytest.raises(AssertionError):
            Player(dialogue).play(steps)
