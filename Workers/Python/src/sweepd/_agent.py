# SPDX-License-Identifier: MIT
"""Whom a trial talks to: the worker that started the script, over its local report socket, or only the terminal.

The socket carries JSON lines both ways; `Docs/writing-a-worker.md` describes each of them.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from ._checkpoints import Saved
from ._metrics import encoded
from ._version import VERSION

# An agent's lines are short; more than this without an end of line is not an agent.
_LONGEST_LINE = 1 << 16


class Channel(Protocol):
    """What a trial needs of the side that started it."""

    def report(self, step: int | None, metrics: Mapping[str, float]) -> None:
        """Pass on metrics; may wait for room, never for a verdict."""

    def checkpoint(self, saved: Saved) -> None:
        """Pass on that a checkpoint is complete."""

    def stop_reason(self) -> str | None:
        """Return why the trial is to end, or None while it is to go on."""

    def close(self) -> None:
        """Nothing more will be said."""


class Terminal:
    """Outside a sweep: reports are printed, and nobody asks to stop."""

    def report(self, step: int | None, metrics: Mapping[str, float]) -> None:
        """Print one line."""
        words = [] if step is None else [f"step {step}"]
        words += [f"{name}={value:.6g}" for name, value in metrics.items()]
        print(" ".join(words), flush=True)

    def checkpoint(self, saved: Saved) -> None:
        """Print one line."""
        print(f"checkpoint {saved.location}", flush=True)

    def stop_reason(self) -> str | None:
        """Return None: nobody asks."""
        return None

    def close(self) -> None:
        """Do nothing."""


class Agent:
    """The native worker, over its Unix stream socket."""

    def __init__(self, path: str) -> None:
        """Connect; where that fails, warn and print instead, so that training is not lost with the worker."""
        self._socket: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._received = b""
        self._reason: str | None = None
        self._terminal = Terminal()
        try:
            self._socket.connect(path)
        except OSError as error:
            self._lose(f"cannot reach the worker at {path}: {error}")
        self._send({"type": "hello", "client": f"python/{VERSION}"})

    def report(self, step: int | None, metrics: Mapping[str, float]) -> None:
        """Send the metrics; waits only while the worker's socket is full."""
        line: dict[str, Any] = {"type": "report"}
        if step is not None:
            line["step"] = step
        line["metrics"] = {name: encoded(value) for name, value in metrics.items()}
        if not self._send(line):
            self._terminal.report(step, metrics)

    def checkpoint(self, saved: Saved) -> None:
        """Tell the worker where the checkpoint lies and, of a folder, what is in it."""
        line: dict[str, Any] = {"type": "checkpoint", "step": saved.step}
        if saved.location.startswith("/"):
            line.update(path=saved.location, sha256=saved.sha256, bytes=saved.bytes)
        else:
            line.update(uri=saved.location)
        if not self._send(line):
            self._terminal.checkpoint(saved)

    def stop_reason(self) -> str | None:
        """Look, without waiting, whether the worker has asked to stop."""
        while self._reason is None and self._socket is not None:
            try:
                data = self._socket.recv(4096, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._lose(f"the worker is gone: {error}")
                break
            if not data:
                self._lose("the worker closed its socket")
                break
            self._take(data)
        return self._reason

    def close(self) -> None:
        """Close the socket once what was sent can no longer be lost."""
        if self._socket is None:
            return
        try:
            # A close with unread bytes in the receive buffer would reset the connection, and with it our last lines.
            self._socket.shutdown(socket.SHUT_WR)
            while select.select([self._socket], [], [], 0)[0] and self._socket.recv(4096):
                pass
        except OSError:
            pass
        self._socket.close()
        self._socket = None

    def _send(self, line: Mapping[str, Any]) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.sendall(json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        except OSError as error:
            self._lose(f"the worker is gone: {error}")
            return False
        return True

    def _take(self, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\n")
        if len(self._received) > _LONGEST_LINE:
            self._lose("the worker sent a line without an end")
            return
        for line in lines:
            try:
                message = json.loads(line)
                kind = message.get("type")
            except (ValueError, AttributeError):
                _warn(f"the worker sent what is no message: {line[:80]!r}")
                continue
            if kind == "stop":
                self._reason = str(message.get("reason") or "stopped")
            elif kind == "error":
                _warn(f"the worker says: {message.get('message')}")

    def _lose(self, why: str) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            _warn(f"{why}; from here on reports are printed only")


def _warn(text: str) -> None:
    print(f"sweepd: {text}", file=sys.stderr, flush=True)
