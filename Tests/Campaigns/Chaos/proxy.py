# SPDX-License-Identifier: MIT
"""A TCP proxy that does to a connection what networks do: late, slow, cut, half dead, garbled, in crumbs."""

import asyncio
import contextlib
import random
import socket
import struct
import threading

FAULTS = ("delay", "stall", "one-way-stall", "reset", "half-open", "flip", "crumbs", "idle-drop", "cut-short", "refuse")


class Proxy:
    """Forwards to one target. `begin` starts a fault, `end` heals; both may be called from any thread."""

    def __init__(self, target, seed):
        self._target, self._random = target, random.Random(seed)
        self._fault, self._pairs = None, set()
        self._upwards = True
        self.bytes = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def begin(self, fault):
        """Start a fault."""
        self._loop.call_soon_threadsafe(self._begin, fault)

    def end(self):
        """Heal: connections that are half dead stay so, new ones are sound."""
        self._loop.call_soon_threadsafe(self._begin, None)

    def close(self):
        """End the thread."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(5)

    def _end(self):
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        # After the round in which they end.
        self._loop.call_later(0.05, self._loop.stop)

    def _begin(self, fault):
        self._fault, self._upwards = fault, self._random.random() < 0.5
        for pair in list(self._pairs):
            if fault == "reset":
                pair.reset()
            elif fault == "half-open":
                pair.is_dead = True

    async def _accept(self, reader, writer):
        if self._fault in ("refuse", "reset"):
            return _reset(writer)
        try:
            other_reader, other_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return _reset(writer)
        pair = _Pair(writer, other_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, other_writer, pair, True), self._pump(other_reader, writer, pair, False)
            )
        finally:
            self._pairs.discard(pair)

    async def _pump(self, reader, writer, pair, upwards):
        with contextlib.suppress(OSError):
            while not pair.is_dead:
                try:
                    data = await asyncio.wait_for(reader.read(65536), 0.15)
                except asyncio.TimeoutError:
                    # Like a middlebox that forgets a quiet connection, and tells nobody.
                    pair.is_dead = pair.is_dead or self._fault == "idle-drop"
                    continue
                while self._is_stalled(upwards) and not pair.is_dead:
                    await asyncio.sleep(0.02)
                if pair.is_dead:
                    break
                if not data:
                    # What waits at the other side goes first.
                    await asyncio.sleep(0.05)
                    pair.close()
                    return
                self.bytes += len(data)
                await self._forward(data, writer, pair)
        # Nobody is told: the sockets stay open until the run is over.
        while pair.is_dead:
            await asyncio.sleep(0.5)

    async def _forward(self, data, writer, pair):
        fault = self._fault
        if fault == "delay":
            await asyncio.sleep(self._random.uniform(0.0, 0.25))
        if fault == "flip" and self._random.random() < 0.3:
            place = self._random.randrange(len(data))
            data = data[:place] + bytes([data[place] ^ (1 << self._random.randrange(8))]) + data[place + 1 :]
        if fault == "cut-short" and self._random.random() < 0.3:
            writer.write(data[: self._random.randrange(len(data))])
            with contextlib.suppress(OSError):
                await writer.drain()
            return pair.reset()
        if fault == "crumbs":
            for place in range(min(len(data), 400)):
                writer.write(data[place : place + 1])
                await writer.drain()
                await asyncio.sleep(0)
            data = data[400:]
        if data:
            writer.write(data)
            await writer.drain()

    def _is_stalled(self, upwards):
        return self._fault == "stall" or (self._fault == "one-way-stall" and upwards == self._upwards)


class _Pair:
    def __init__(self, one, other):
        self._writers = (one, other)
        self.is_dead = False
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self):
        for writer in self._writers:
            _reset(writer)

    def close(self):
        for writer in self._writers:
            writer.close()


def _reset(writer):
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
