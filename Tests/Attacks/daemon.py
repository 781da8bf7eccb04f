# SPDX-License-Identifier: MIT
"""A real daemon in a folder of its own, and what is to be seen of it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SWEEPD_BINARY", ROOT / ".build/debug/sweepd"))
SWEEP = """\
name: {name}
method: random
metric: {{name: loss, goal: minimize}}
trials: {trials}
seed: 7
parameters:
  x: {{min: 0.0, max: 1.0}}
command: {command}
"""


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Any, within: float = 10) -> bool:
    """Return whether it came true."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


class Daemon:
    """`sweepd serve`, reachable over TCP and by a socket of this machine."""

    def __init__(self, folder: Path, *options: str, listens: bool = True, env: dict[str, str] | None = None) -> None:
        """Start it; `start()` again after `stop()`."""
        self.folder = folder
        self.data = folder / "data"
        self.runtime = folder / "run"
        for place in (folder / "config", self.runtime):
            place.mkdir(parents=True, exist_ok=True)
        self.runtime.chmod(0o700)
        # A socket's path has 107 bytes.
        if len(str(self.runtime)) >= 60:
            self.runtime = Path(tempfile.mkdtemp(prefix="sd-"))
        self.port = free_port()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("SWEEPD_")}
        self.env |= {
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "SWEEPD_DATA": str(self.data),
            "COLUMNS": "200",
            **(env or {}),
        }
        self.options = list(options) or ["--workers", "0"]
        if listens:
            self.options += ["--listen", f"tcp://127.0.0.1:{self.port}"]
        self.log_file = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, within: float = 20) -> Daemon:
        """Start, and wait until it serves."""
        self.launch_process()
        if not wait_for(lambda: self.process.poll() is not None or "hand it a sweep" in self.log(), within):
            raise AssertionError(f"the daemon does not serve: {self.log()}")
        assert self.process.poll() is None, self.log()
        return self

    def launch_process(self) -> None:
        """Start without waiting."""
        self.log_file.write_bytes(b"")
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [str(BINARY), "serve", *self.options], env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def stop(self) -> None:
        """Ask it to end."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def log(self) -> str:
        """Return what it wrote."""
        return self.log_file.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        """Return whether it has neither ended nor crashed."""
        return self.process is not None and self.process.poll() is None

    def run(self, *arguments: str, stdin: str = "", check: bool = True, timeout: float = 30) -> str:
        """Run a command of this daemon and return what it printed."""
        done = subprocess.run(
            [str(BINARY), *arguments], env=self.env, input=stdin.encode(), capture_output=True, timeout=timeout
        )
        text = (done.stdout + done.stderr).decode(errors="replace")
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}: {text}"
            return done.stdout.decode(errors="replace")
        return f"{done.returncode}\n{text}"

    def launch(self, name: str, trials: int = 100, command: str = '["true"]', more: str = "") -> None:
        """Hand it a sweep."""
        file = self.folder / "sweep.yaml"
        file.write_text(SWEEP.format(name=json.dumps(name), trials=trials, command=command) + more)
        self.run("launch", str(file))

    def invite(self, *options: str) -> str:
        """Return a token."""
        return self.run("invite", "--token", *options).strip()

    def workers(self) -> list[dict[str, Any]]:
        """Return those attached."""
        return json.loads(self.run("workers", "--json"))["workers"]

    def trials(self, name: str) -> list[dict[str, Any]]:
        """Return a sweep's trials."""
        return json.loads(self.run("trials", name, "--data", str(self.data), "--json"))["trials"]

    def endpoint(self) -> str:
        """Return where workers of this machine connect."""
        return json.loads((self.data / "endpoint.json").read_text())["workers"]

    # What the kernel says of it.

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        return 0

    def resident_kib(self) -> int:
        """Return its memory."""
        return self._status("VmRSS")

    def files(self) -> int:
        """Return how many descriptors are open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def seconds_queued(self) -> dict[int, float]:
        """Return, for each thread, how long it has waited for a processor so far; nothing where the kernel does not say."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError, ValueError):
                found[int(task.parent.name)] = int(task.read_text().split()[1]) / 1e9
        return found

    def cpu_seconds(self) -> float:
        """Return the time it has worked so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
