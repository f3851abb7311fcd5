"""Logs: one JSON object a line, with the request's id; secrets, tokens and features never."""

import re
from typing import Any

import msgspec
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from noctis import context

_SECRET = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
_SECRET_FIELDS = ("authorization", "password", "secret", "token", "otp", "features", "cookie")


def _identify(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.setdefault("request_id", context.request_id())
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The last gate: whatever slipped into a field or a traceback does not reach the log."""
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRET_FIELDS):
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = _SECRET.sub("[redacted]", value)
    return event


def _encode(value: Any, **_: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    _identify,
]


def configuration(level: str) -> dict[str, Any]:
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
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*_SHARED, structlog.stdlib.PositionalArgumentsFormatter()],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact,
            structlog.processors.JSONRenderer(serializer=_encode),
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
