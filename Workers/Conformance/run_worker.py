# SPDX-License-Identifier: MIT
"""Test a worker of any language from outside: `python run_worker.py -- ./my-worker --endpoint {endpoint}`.

For each scenario the worker's command is started, and a scripted coordinator watches what it says. `README.md` beside
this says more, `Docs/protocol.md` what the rules mean.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import zmq
from kit_scenarios import Scene, Verdict, scenarios
from kit_stage import Gate, Missed, Stage


def play(
    name: str, context: zmq.Context[zmq.Socket[bytes]], gate: Gate | None, arguments: argparse.Namespace
) -> tuple[list[Verdict], str]:
    """Play one scenario; return what became of its rules, and what the worker printed where one was broken."""
    stage = Stage(context, gate, arguments.command, arguments.patience)
    scene = Scene(stage, arguments.slow)
    try:
        stage.start()
        try:
            scenarios(gate is not None)[name](scene)
        except Missed as error:
            if all(verdict.is_kept for verdict in scene.verdicts):
                scene.check("-", "the scenario goes on", False, error)
        scene.check("2", "every message is well-formed", not stage.malformed, stage.malformed[:3])
        output = "" if all(verdict.is_kept for verdict in scene.verdicts) else stage.output()
    finally:
        stage.close()
    return scene.verdicts, output


def main(words: list[str]) -> int:
    """Return 0 where all rules were kept, 1 where one was not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tcp", action="store_true", help="encrypted TCP and a connection file, not ipc")
    parser.add_argument("--slow", action="store_true", help="also what takes a minute")
    parser.add_argument("--only", metavar="WORD", action="append", help="scenarios whose names contain it")
    parser.add_argument(
        "--but", metavar="WORD", action="append", default=[], help="no scenarios whose names contain it"
    )
    parser.add_argument("--jobs", type=int, default=4, help="scenarios at once (%(default)s)")
    parser.add_argument("--patience", type=float, default=15, metavar="SECONDS", help="for the worker to start")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--json", action="store_true", help="one JSON object for each rule")
    parser.add_argument("command", nargs="*", help="the worker, after --")
    arguments = parser.parse_args(words)
    chosen = [
        name
        for name in scenarios(arguments.tcp)
        if (not arguments.only or any(word in name for word in arguments.only))
        and not any(word in name for word in arguments.but)
    ]
    if arguments.list:
        print("\n".join(chosen))
        return 0
    if not arguments.command or not chosen:
        parser.error("no command of a worker (after --)" if chosen else "no scenario has such a name")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    gate = Gate(context) if arguments.tcp else None
    kept = broken = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        played = [(name, pool.submit(play, name, context, gate, arguments)) for name in chosen]
        for name, result in played:
            verdicts, output = result.result()
            kept += sum(verdict.is_kept for verdict in verdicts)
            broken += sum(not verdict.is_kept for verdict in verdicts)
            _show(name, verdicts, output, arguments.json)
    if not arguments.json:
        print(f"\n{kept} rules kept, {broken} broken, in {len(chosen)} scenarios")
    return 1 if broken else 0


def _show(name: str, verdicts: list[Verdict], output: str, as_json: bool) -> None:
    if as_json:
        for verdict in verdicts:
            print(json.dumps({"scenario": name, **verdict._asdict()}), flush=True)
        return
    print(f"\n{name}")
    for section, rule, is_kept, seen in verdicts:
        print(f"  {'ok  ' if is_kept else 'FAIL'} {section:>4}  {rule}" + (f": {seen[:500]}" if seen else ""))
    if output:
        print("  the worker printed:\n    " + "\n    ".join(output.splitlines()[-15:]), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
