"""A stranger at the door: knows an address and what was printed, speaks plain HTTP, keeps count."""

import http.client
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


class SmokeFailed(Exception):
    """Says which step did not go as a stranger would expect."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Stranger:
    """Walks step by step; each step is told when it is done."""

    address: str
    tell: Callable[[str], None]
    token: str = ""
    steps: int = field(default=0)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, self._headers(body) | dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), _decoded(response.read()))
        except (OSError, http.client.HTTPException) as error:
            raise SmokeFailed(f"{method} {path}: {error}") from None
        finally:
            connection.close()

    def _headers(self, body: Any) -> dict[str, str]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        return headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def expect(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """Call, and fail with what came back instead when the status is another."""
        answer = self.call(method, path, body, **more)
        if answer.status != status:
            told = f"{answer.status} instead of {status}: {answer.body}"
            raise SmokeFailed(f"{method} {path} answered {told}")
        return answer

    def done(self, what: str) -> None:
        self.steps += 1
        self.tell(f"  {self.steps:>2}  {what}")


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def pasted(command: str) -> tuple[str, str]:
    """The path and the token of a printed `curl` line."""
    words = shlex.split(command)
    address = next(word for word in words if word.startswith("http"))
    token = next(word for word in words if word.startswith("Authorization: Bearer "))
    return urlsplit(address).path, token.removeprefix("Authorization: Bearer ")
