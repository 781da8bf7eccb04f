# SPDX-License-Identifier: MIT
"""libzmq ends the process (an assertion in add_out_pipe) when a peer has claimed the routing id that a ROUTER gives next.

Whoever has a key can claim one; ids count up from a random number, which libzmq draws by rand() and never seeds.
"""

from __future__ import annotations

import ctypes
import struct

import zmtp
from daemon import Daemon
from peer import Peer, enrol


def unseeded(count: int) -> list[int]:
    """Return the first numbers that libzmq draws in a process that has seeded nothing."""
    libc = ctypes.CDLL("libc.so.6")
    libc.srand(1)
    drawn = []
    for _ in range(count):
        low, high = libc.rand(), libc.rand()
        drawn.append((low | high << 31) & 0xFFFFFFFF)
    return drawn


def test_the_next_routing_id_cannot_be_foretold(daemon: Daemon) -> None:
    keys, others = enrol(daemon), enrol(daemon, "honest")
    wires = []
    for first in unseeded(8):
        # Some connections have been made already.
        for ahead in range(16):
            wire = zmtp.Wire(("127.0.0.1", daemon.port))
            client = zmtp.CurveClient(keys.server, keys.public, keys.secret)
            wire.send(zmtp.greeting())
            wire.read(64)
            wire.send(client.hello())
            client.take_welcome(wire.frame()[1])
            routing_id = b"\0" + struct.pack(">I", (first + ahead) & 0xFFFFFFFF)
            wire.send(client.initiate(zmtp.metadata(identity=routing_id)))
            wires.append(wire)
    for _ in range(20):
        with Peer(daemon.port, others) as honest:
            honest.greet(5)
    assert daemon.is_alive, daemon.log()
    for wire in wires:
        wire.close()
