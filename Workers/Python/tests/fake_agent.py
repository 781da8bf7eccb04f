# SPDX-License-Identifier: MIT
"""The native worker's end of the local report socket, for tests."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any


class FakeAgent:
    """Listens at a path, keeps the lines it gets, and may ask to stop at a step."""

    def __init__(self, path: Path, stop_at: int | None = None) -> None:
        self.path = path
        self.stop_at = stop_at
        self.lines: list[dict[str, Any]] = []
        self.seen = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self.connection: socket.socket | None = None
        self.over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            self.connection, _ = self._listener.accept()
        except OSError:
            return
        for line in self.connection.makefile("rb"):
            message = json.loads(line)
            with self.seen:
                self.lines.append(message)
                self.seen.notify_all()
            if message.get("step") == self.stop_at is not None:
                self.send({"type": "stop", "reason": "rung 1"})
                self.stop_at = None
        self.over.set()

    def send(self, message: Any) -> None:
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        with self.seen:
            assert self.seen.wait_for(lambda: len(self.lines) >= count, 5), self.lines
            return list(self.lines)

    def close(self) -> None:
        if self.connection:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
        self._listener.close()
