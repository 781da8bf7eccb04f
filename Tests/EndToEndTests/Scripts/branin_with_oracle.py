# SPDX-License-Identifier: MIT
"""Branin in steps. Each report is sent with an id, and what the worker says is durable goes into the oracle file."""
import json
import math
import os
import socket
import sys
import time

parameters = json.load(open(os.environ["SWEEPD_PARAMS"]))
x, y = parameters["x"], parameters["y"]
value = (y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
seconds = float(os.environ.get("BRANIN_SECONDS", "0"))
steps = 3
fence = os.environ["SWEEPD_FENCE"]
oracle = os.open(os.environ["ORACLE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["SWEEPD_SOCKET"])
answers = connection.makefile("r")
for step in range(1, steps + 1):
    time.sleep(seconds / steps)
    line = {"type": "report", "id": step, "step": step, "metrics": {"value": value + steps - step}}
    connection.sendall((json.dumps(line) + "\n").encode())
    answer = json.loads(answers.readline() or "{}")
    if answer.get("type") != "ok" or answer.get("id") != step:
        sys.exit(f"no acknowledgement of step {step}: {answer}")
    os.write(oracle, f"{fence} {step}\n".encode())
