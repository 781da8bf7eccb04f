# SPDX-License-Identifier: MIT
"""Reads a data directory's journal and tables without the program under test."""

import json
import sqlite3


def connect(folder):
    """Open the database for reading."""
    return sqlite3.connect(f"file:{folder}/sweepd.sqlite?mode=ro", uri=True, timeout=5)


def entries(folder):
    """Return every entry of the journal in order."""
    connection = connect(folder)
    try:
        rows = connection.execute("SELECT first, count, body FROM journal ORDER BY first").fetchall()
    finally:
        connection.close()
    found = []
    for first, count, body in rows:
        lines = body.decode().split("\n")
        if first != len(found) + 1 or count != len(lines):
            raise ValueError(f"the journal's row {first} does not follow or does not hold {count} lines")
        found += [json.loads(line) for line in lines]
    return found


def worker(found, pid):
    """Return the name of the worker that is that process; None where it has not come in."""
    return next((entry["worker"] for entry in found if entry["e"] == "worker_joined" and entry["pid"] == pid), None)


def running(folder, pid):
    """Return the attempts that a process has begun and not ended."""
    found = entries(folder)
    name = worker(found, pid)
    its = {entry["fence"] for entry in found if entry["e"] == "leased" and entry["worker"] == name}
    begun = {entry["fence"] for entry in found if entry.get("type") == "started"}
    return sorted(its & begun - {entry["fence"] for entry in found if entry["e"] in ("ended", "released")})


def trials(folder):
    """Return number → (state, value, attempts, ended_at) of the one sweep; empty where there is none yet."""
    try:
        connection = connect(folder)
        try:
            rows = connection.execute("SELECT number, state, value, attempts, ended_at FROM trial").fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return {}
    return {row[0]: tuple(row[1:]) for row in rows}


OVER = ("completed", "stopped", "failed", "cancelled")


def ended(folder):
    """Return those that are over: nothing about them may change any more."""
    return {number: row for number, row in trials(folder).items() if row[0] in OVER}
