"""What a log line, an audit entry and an answer must agree on: the id of the request at hand."""

import re
import uuid
from contextvars import ContextVar

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def begin(offered: str | None) -> str:
    """Take the caller's id when it is well formed, else make one."""
    request_id = offered if offered and REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
    _request_id.set(request_id)
    return request_id


def request_id() -> str:
    """The id of the request, task or command at hand; made on first use outside a request."""
    return _request_id.get() or begin(None)
