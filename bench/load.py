"""The load generator: blocking keep-alive sockets, bodies made before, every status counted."""

import socket
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Latencies in seconds; any status but the expected one is a failure."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def request_bytes(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def run(port: int, requests: list[bytes], clients: int) -> Outcome:
    """Send every request once, spread over so many connections."""
    outcome, lock, gate = Outcome(), threading.Lock(), threading.Barrier(clients + 1)
    queue = iter(requests)

    def client() -> None:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        gate.wait()
        while True:
            with lock:
                request = next(queue, None)
            if request is None:
                return
            started = time.perf_counter()
            status = exchange(connection, request)
            with lock:
                outcome.latencies.append(time.perf_counter() - started)
                if not status.startswith("200"):
                    outcome.failures.append(status)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - started
    return outcome


def exchange(connection: socket.socket, request: bytes) -> str:
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += _more(connection)
    return _named(head[9:12].decode(), body)


def _named(status: str, body: bytes) -> str:
    """A refusal with its code, so that a failed benchmark says why."""
    return status if status == "200" else f"{status} {body.decode(errors='replace')[:300]}"


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if not chunk:
        raise ConnectionError("the server closed the connection")
    return chunk
