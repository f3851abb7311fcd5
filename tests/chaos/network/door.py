"""A door on a loopback port to a server's unix socket, with weather in it. No Django.

Bytes pass late, in drips, or not at all; connections are reset, cut, or lose an answer."""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

AT_ONCE = 65_536
# Closing then tells the other side of a fault instead of an end.
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Weather:
    """All of it at once, in both directions unless said otherwise; the default is fine weather."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    drip_bytes: int = 0  # so many at once, then `drip_s` of nothing
    drip_s: float = 0.002
    reset_share: float = 0.0  # of questions: the connection ends before they arrive
    swallow_share: float = 0.0  # of answers: what was asked is done, and nobody hears of it
    cut_after: int = 0  # bytes of answers on one connection
    is_partitioned: bool = False  # nothing passes and nothing is lost, as TCP would have it
    is_down: bool = False  # nobody is let in, and who is inside is thrown out


FINE = Weather()


class Door:
    """Runs in a thread of its own; `weather` may be changed at any time."""

    def __init__(self, server: str, seed: int = 1) -> None:
        self.server = server
        self.done: Counter[str] = Counter()
        self._weather = FINE
        self._rng = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def weather(self) -> Weather:
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        if weather.is_down:
            self._loop.call_soon_threadsafe(self._throw_out)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def throw_out(self) -> None:
        """Reset every connection there is."""
        self._loop.call_soon_threadsafe(self._throw_out)

    def _throw_out(self) -> None:
        for writer in list(self._open):
            self.done["reset"] += 1
            _reset(writer)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = asyncio.start_server(self._serve, sock=self._listener)
        self._loop.run_until_complete(listening)
        self._loop.run_forever()
        self._throw_out()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._listener.close()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.done["connections"] += 1
        while self._weather.is_partitioned:
            await asyncio.sleep(0.02)
        if self._weather.is_down:
            _reset(writer)
            return
        self._open.add(writer)
        there, back = await asyncio.open_unix_connection(self.server)
        ways: tuple[Coroutine[Any, Any, None], ...] = (
            self._pass(reader, back, writer, self._question),
            self._pass(there, writer, writer, self._answer()),
        )
        tasks = [asyncio.create_task(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        self._open.discard(writer)
        back.close()
        writer.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        passes: Callable[[int], bool],
    ) -> None:
        with suppress(OSError):
            while sent := await source.read(AT_ONCE):
                if not passes(len(sent)):
                    _reset(client)
                    return
                await self._carry(sent, target)

    def _question(self, _length: int) -> bool:
        return not self._strikes("questions lost", self._weather.reset_share)

    def _answer(self) -> Callable[[int], bool]:
        passed = 0

        def passes(length: int) -> bool:
            nonlocal passed
            passed += length
            if 0 < self._weather.cut_after < passed:
                self.done["cut"] += 1
                return False
            return not self._strikes("answers lost", self._weather.swallow_share)

        return passes

    def _strikes(self, what: str, share: float) -> bool:
        if not share or self._rng.random() >= share:
            return False
        self.done[what] += 1
        return True

    async def _carry(self, sent: bytes, target: asyncio.StreamWriter) -> None:
        weather = self._weather
        if weather.latency_s or weather.jitter_s:
            await asyncio.sleep(weather.latency_s + self._rng.random() * weather.jitter_s)
        step = weather.drip_bytes or len(sent)
        for start in range(0, len(sent), step):
            while self._weather.is_partitioned:
                await asyncio.sleep(0.02)
            target.write(sent[start : start + step])
            await target.drain()
            if weather.drip_bytes:
                await asyncio.sleep(weather.drip_s)


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):  # it has gone by itself
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
