"""Calls that come when they come, whether or not those before them are answered. No Django."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

PATIENCE_S = 20.0
TICK_S = 0.001
Call = tuple[str, bytes]  # its kind, and all of the request


@dataclass
class Answers:
    """Of each kind and status, how long each answer took from when its call was due."""

    seconds: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    duration_s: float = 0.0

    def note(self, kind: str, status: int, took_s: float) -> None:
        self.seconds.setdefault((kind, status), []).append(took_s)

    def settle(self, kind: str, due: float, answered: asyncio.Future[int]) -> None:
        if error := answered.exception():
            self.lost[type(error).__name__] += 1
        else:
            self.note(kind, answered.result(), time.monotonic() - due)

    def count(self, kind: str, status: int) -> int:
        return len(self.seconds.get((kind, status), []))

    def p(self, kind: str, status: int, share: float) -> float:
        """A percentile in milliseconds; 0 where nobody was answered so."""
        found = self.seconds.get((kind, status))
        return float(np.percentile(found, share * 100)) * 1000 if found else 0.0

    def rate(self, kind: str) -> float:
        """Calls of the kind that were served, a second."""
        return self.count(kind, 200) / self.duration_s


class Connection(asyncio.Protocol):
    """One call at a time. Streams would cost more than the platform's refusals do."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._came = b""
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[int]:
        assert self.transport
        self._came, self._answered = b"", asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        self._came += data
        end = self._came.find(b"\r\n\r\n") + 4
        if end < 4 or self._answered is None or self._answered.done():
            return
        head = self._came[:end]
        if len(self._came) - end >= _length(head):
            if b"onnection: close" in head and self.transport:
                self.transport.close()
            self._answered.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_exception(error or ConnectionResetError())


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)


class Connections:
    """Kept alive and used again; another is opened where all are waiting for an answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: list[Connection] = []

    async def ask(self, request: bytes) -> asyncio.Future[int]:
        """The status that will be answered. No task for each call and no timer: who offers so much
        takes of the cores whose platform it measures."""
        found = await self._connection()
        answered = found.ask(request)
        answered.add_done_callback(lambda done: done.exception() or self._idle.append(found))
        return answered

    async def _connection(self) -> Connection:
        while self._idle:
            found = self._idle.pop()
            if found.transport and not found.transport.is_closing():
                return found
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, "127.0.0.1", self.port)
        return made

    def close(self) -> None:
        for found in self._idle:
            if found.transport:
                found.transport.close()


async def open_loop(port: int, calls: Iterator[Call], rate: float, seconds: float) -> Answers:
    """So many calls a second, evenly, to the millisecond."""
    connections, answers = Connections(port), Answers(duration_s=seconds)
    started, waiting = time.monotonic(), set[asyncio.Future[int]]()
    for number in range(int(rate * seconds)):
        due = started + number / rate
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(max(early, TICK_S))
        kind, request = next(calls)
        try:
            answered = await connections.ask(request)
        except OSError as error:
            answers.lost[type(error).__name__] += 1
            continue
        waiting.add(answered)
        answered.add_done_callback(waiting.discard)
        answered.add_done_callback(partial(answers.settle, kind, due))
    if waiting:
        _, unanswered = await asyncio.wait(waiting.copy(), timeout=PATIENCE_S)
        answers.lost.update("TimeoutError" for _ in unanswered)
    connections.close()
    return answers


async def closed_loop(port: int, calls: Iterator[Call], clients: int, seconds: float) -> Answers:
    """So many clients, each with its next call as soon as the last is answered."""
    connections, answers = Connections(port), Answers(duration_s=seconds)
    until = time.monotonic() + seconds

    async def client() -> None:
        while time.monotonic() < until:
            await _call(connections, next(calls), time.monotonic(), answers)

    await asyncio.gather(*(client() for _ in range(clients)))
    connections.close()
    return answers


async def _call(connections: Connections, call: Call, due: float, answers: Answers) -> None:
    kind, request = call
    try:
        async with asyncio.timeout(PATIENCE_S):
            status = await (await connections.ask(request))
    except (OSError, TimeoutError) as error:
        answers.lost[type(error).__name__] += 1
        return
    answers.note(kind, status, time.monotonic() - due)


def cycled(calls: Sequence[Call]) -> Iterator[Call]:
    while True:
        yield from calls
