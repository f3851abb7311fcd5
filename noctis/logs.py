"""Logs: one JSON object a line, with the request's id; secrets, tokens and features never."""

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

import msgspec
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from noctis import context

REDACTED = "[redacted]"
SHORTEST_KNOWN_SECRET = 12
_FIELDS = "authorization|password|passwd|secret|token|otp|features|cookie"
_SECRET_FIELD = re.compile(_FIELDS, re.IGNORECASE)
_QUOTED = r"\"(?:[^\"\\]|\\[\s\S])*+\"?|'(?:[^'\\]|\\[\s\S])*+'?"
_DEEPEST_LIST = 6


def _nested(depth: int) -> str:
    """Up to the closing bracket; of what has none, up to the end."""
    inner = rf"|{_nested(depth - 1)}" if depth else ""
    return rf"[\[({{](?:{_QUOTED}|[^\[\](){{}}\"']{inner})*+[\])}}]?"


_VALUE = "|".join(
    (
        rf"[\w.]*{_nested(_DEEPEST_LIST)}",  # a list, also as numpy prints it
        r"\\+[\"'][^\"']*+[\"']?",  # a string in a string
        rf"[bru]{{0,2}}(?:{_QUOTED})",
        r"(?i:bearer |basic )?[^\s,;&)}]+",
    )
)
_SHAPES = (
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*",  # a token
    r"(?<=://)[^/\s:]*:[^/\s]+(?=@)",  # credentials in an address
    rf"(?i:(?:{_FIELDS})s?\\*[\"']?\s*[:=]\s*)(?:{_VALUE})",
)


def _identify(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.setdefault("request_id", context.request_id())
    if caller := context.caller():
        event.setdefault("tenant", caller.tenant)
        event.setdefault("client", caller.client)
    return event


class Redaction:
    """The last gate: whatever slipped into a field or a traceback does not reach the log."""

    def __init__(self, known: Iterable[str]) -> None:
        literal = (re.escape(value) for value in known if len(value) >= SHORTEST_KNOWN_SECRET)
        self._secret = re.compile("|".join([*literal, *_SHAPES]))

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return cast(EventDict, self._shown(event))

    def _shown(self, value: Any) -> Any:
        """What JSON can say of a value, without what nobody may read."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(name): self._field(name, held) for name, held in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._shown(held) for held in value]
        return f"[{len(value)} bytes]" if isinstance(value, bytes) else self.text(value)

    def _field(self, name: object, value: Any) -> Any:
        return REDACTED if _SECRET_FIELD.search(str(name)) else self._shown(value)

    def text(self, value: object) -> str:
        """A path or a header may hold half a character, which no encoder takes."""
        whole = str(value).encode("utf-8", "backslashreplace").decode()
        return self._secret.sub(REDACTED, whole)


class RequestLine(msgspec.Struct):
    """What is told of every request: a line of its own kind, at a tenth of a line's usual cost."""

    level: str
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    at: datetime
    tenant: str | msgspec.UnsetType = msgspec.UNSET
    client: str | msgspec.UnsetType = msgspec.UNSET
    event: str = "request"
    logger: str = "noctis.request"


LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}
_requests = logging.getLogger("noctis.request")


def tell(line: RequestLine) -> None:
    """Log it like any other, without looking for the place in the code that says it."""
    level = LEVELS[line.level]
    if _requests.isEnabledFor(level):
        _requests.handle(logging.LogRecord(_requests.name, level, "", 0, line, None, None))


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Everybody's lines, and requests' own."""

    def __init__(self, redaction: Redaction, **more: Any) -> None:
        super().__init__(**more)
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        line: Any = record.msg
        if not isinstance(line, RequestLine):
            return super().format(record)
        # A caller's own words; all else are the platform's.
        line.request_id = self._redaction.text(line.request_id)
        line.method = self._redaction.text(line.method)
        return encoded(line)


def encoded(value: Any, **_: Any) -> str:
    return msgspec.json.encode(value).decode()


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    _identify,
]


def configuration(level: str, known_secrets: Iterable[str] = ()) -> dict[str, Any]:
    """Django's LOGGING: library records and our own leave through the same formatter."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    redaction = Redaction(known_secrets)
    formatter = {
        "()": Formatter,
        "redaction": redaction,
        "foreign_pre_chain": [*_SHARED, structlog.stdlib.PositionalArgumentsFormatter()],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redaction,
            structlog.processors.JSONRenderer(serializer=encoded),
        ],
    }
    quiet = {"level": "ERROR", "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "ERROR", "propagate": False},
            "django.request": quiet,  # our own line tells of every 4xx
            "psycopg.pool": {"level": "WARNING"},
        },
    }
