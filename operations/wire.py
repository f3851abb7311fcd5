"""HTTP to one server over connections that are kept: asyncio alone, no pipelining, no retries."""

import asyncio
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec

PATIENCE_S = 20.0
# Waiting for a free one counts as waiting for the answer.
MOST_CONNECTIONS = 256
MOST_HEAD = 64 * 1024
LOOPBACK_NAMES = frozenset({"localhost"})
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NoAddress(Exception):
    """Says what is wrong with an address."""


class Lost(Exception):
    """No answer came; `reason` is one word of a few."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def address_of(text: str, *, allowed: str = "") -> SplitResult:
    """Read where to send; any host but this machine has to be named a second time."""
    try:
        found = urlsplit(text)
        host, _port = found.hostname, found.port
    except ValueError as error:
        raise NoAddress(str(error)) from None
    if found.scheme not in ("http", "https") or not host or found.path.strip("/"):
        raise NoAddress("expected such as http://127.0.0.1:8000")
    if not is_loopback(host) and host != allowed:
        raise NoAddress(f"{host} is not this machine: name it with --allow-host {host}")
    return found


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


@dataclass
class Wire:
    address: SplitResult
    _idle: list[Stream] = field(default_factory=list)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_CONNECTIONS))

    async def ask(self, method: str, path: str, token: str, body: object = None) -> Answer:
        """Send one request and wait for its answer, or say why none came."""
        async with self._free:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await self._exchange(self._request(method, path, token, body))
            except TimeoutError:
                raise Lost("timeout") from None
            except ssl.SSLError:
                raise Lost("tls") from None
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
                raise Lost("connection") from None

    def _request(self, method: str, path: str, token: str, body: object) -> bytes:
        sent = b"" if body is None else msgspec.json.encode(body)
        head = (
            f"{method} {path} HTTP/1.1",
            f"Host: {self.address.netloc.rpartition('@')[2]}",
            f"Authorization: Bearer {token}",
            "Content-Type: application/json",
            f"Content-Length: {len(sent)}",
        )
        return "\r\n".join([*head, "", ""]).encode() + sent

    async def _exchange(self, request: bytes) -> Answer:
        reader, writer = await self._connection()
        is_kept = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(_length(head))
            is_kept = b"\r\nconnection: close" not in head
            return Answer(int(head[9:12]), body)
        finally:
            if is_kept:
                self._idle.append((reader, writer))
            else:
                writer.close()

    async def _connection(self) -> Stream:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        is_tls = self.address.scheme == "https"
        return await asyncio.open_connection(
            self.address.hostname,
            self.address.port or (443 if is_tls else 80),
            ssl=ssl.create_default_context() if is_tls else None,
            limit=MOST_HEAD,
        )

    async def close(self) -> None:
        for _reader, writer in self._idle:
            writer.close()
        self._idle.clear()


def _length(head: bytes) -> int:
    """A body without one is refused: the platform always says how long it is."""
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("no length")
    return int(rest.partition(b"\r\n")[0])
