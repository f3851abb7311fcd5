"""What the web server makes of a request: its environ as JSON. And an answer that breaks off."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        start_response("200 OK", [("Content-Type", "application/x-ndjson")])
        return broken()
    if environ["PATH_INFO"] == "/cleared":
        start_response("204 No Content", [])
        return Unclosable()
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    told |= {"read": len(environ["wsgi.input"].read()), "worker": os.getpid()}
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def broken() -> Iterator[bytes]:
    yield b"one\n"
    raise RuntimeError("in the middle")


class Unclosable:
    """Nothing, and then a fault: after the answer was begun, and before its end."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        raise RuntimeError("at the end")
