# SPDX-License-Identifier: MIT
from __future__ import annotations

import pickle

import pytest

from sweepd._parameters import Parameters, from_arguments, nested


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--lr=0.1"], {"lr": 0.1}),
        (["--lr", "0.1"], {"lr": 0.1}),
        (["lr=0.1"], {"lr": 0.1}),
        (["--lr", "-1e-3"], {"lr": -1e-3}),
        (["--shift", "-.5", "--n=3"], {"shift": -0.5, "n": 3}),
        (["--verbose", "--n=3"], {"verbose": True, "n": 3}),
        (["--verbose", "n=3"], {"verbose": True, "n": 3}),
        (["--flag=false", "--other=True"], {"flag": False, "other": True}),
        (["--name=adam", '--list=[1,"a"]'], {"name": "adam", "list": [1, "a"]}),
        (["--opt.lr=1", "--opt.name=x=y"], {"opt": {"lr": 1, "name": "x=y"}}),
        (["--none=null", "--path=1.2.3"], {"none": None, "path": "1.2.3"}),
        (["data.csv", "-v", "--", "--lr=1"], {}),
        (["--empty="], {"empty": ""}),
        (["--opt={'lr': 0.1, 'on': True}", "--list=['a', 1]"], {"opt": {"lr": 0.1, "on": True}, "list": ["a", 1]}),
        (["--text={'lr", "--set={1: 2"], {"text": "{'lr", "set": "{1: 2"}),
    ],
)
def test_command_lines(arguments, expected):
    assert from_arguments(arguments) == expected


def test_defaults_type_the_values():
    defaults = {"lr": 0.1, "name": "1", "opt": {"batch_size": 8}, "on": False}
    params = from_arguments(["--lr=1", "--name=2", "--opt.batch-size=16", "--on=1"], defaults)
    assert params == {"lr": 1.0, "name": "2", "opt": {"batch_size": 16}, "on": True}
    assert isinstance(params.lr, float)


def test_attributes_and_items():
    params = Parameters({"a": {"b": [{"c": 1}]}, "items": 2})
    assert params.a.b[0].c == params["a"]["b"][0]["c"] == 1
    assert params["items"] == 2
    assert isinstance(params, dict)
    params.new = {"x": 1}
    assert params.new.x == 1
    assert pickle.loads(pickle.dumps(params)) == params
    with pytest.raises(AttributeError, match="no parameter 'lr'; there are: a, items, new"):
        _ = params.lr


def test_nesting():
    assert nested({"a.b.c": 1, "a.d": 2, "e": 3}) == {"a": {"b": {"c": 1}, "d": 2}, "e": 3}
    # A name that is a value too keeps its dots; nothing is lost.
    assert nested({"a": 1, "a.b": 2}) == {"a": 1, "a.b": 2}
    assert Parameters({"a": {"b": 1}, "c": {}}).flat() == {"a.b": 1, "c": {}}
