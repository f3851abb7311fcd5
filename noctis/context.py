"""What a log line, an audit entry and an answer must agree on: the id of the request at hand, and
who called."""

import random
import re
from contextvars import ContextVar
from typing import NamedTuple

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Named(NamedTuple):
    """Who called, as log lines say it."""

    tenant: str
    client: str


_request_id: ContextVar[str] = ContextVar("request_id", default="")
_caller: ContextVar[Named | None] = ContextVar("caller", default=None)


def begin(offered: str | None) -> str:
    """Take the caller's id when it is well formed, else make one."""
    request_id = offered if offered and REQUEST_ID.fullmatch(offered) else _made()
    _request_id.set(request_id)
    _caller.set(None)
    return request_id


def _made() -> str:
    """No secret, only another each time, so that the kernel need not be asked."""
    return f"{random.getrandbits(128):032x}"


def request_id() -> str:
    """The id of the request, task or command at hand; made on first use outside a request."""
    return _request_id.get() or begin(None)


def called_by(tenant: str, client: str) -> None:
    _caller.set(Named(tenant, client))


def caller() -> Named | None:
    """Whose request it is; None outside of one, and where nobody said so yet."""
    return _caller.get()
