"""What waits for a worker, since when, and which workers live: asked of the broker's own store.

None where it does not answer; a page or a report is not worth waiting for it."""

import time
from collections.abc import Sequence
from functools import cache

import msgspec
import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)
QUEUE = "celery"
WORKERS = "noctis:workers"
# A worker that has said nothing for so long is gone.
SILENT_AFTER_S = 30.0
SENT_AT = "sent_at"


class Beat(msgspec.Struct, frozen=True):
    """The last that a worker said."""

    name: str
    at: float


class _Headers(msgspec.Struct):
    sent_at: float = 0.0


class _Message(msgspec.Struct):
    headers: _Headers


class Queue(msgspec.Struct, frozen=True):
    """`oldest_at` is when the next task in turn was sent; None where none waits."""

    waiting: int
    oldest_at: float | None


@cache
def _store() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.2,
        socket_connect_timeout=0.2,
        retry=Retry(NoBackoff(), 0),
    )


def tasks_waiting() -> int | None:
    try:
        return int(_store().llen(QUEUE))
    except RedisError:
        return None


def queue() -> Queue | None:
    """Tasks are put in on the left and taken on the right."""
    try:
        with _store().pipeline(transaction=True) as both:
            both.llen(QUEUE)
            both.lindex(QUEUE, -1)
            waiting, last = both.execute()
        sent = msgspec.json.decode(last, type=_Message).headers.sent_at if last else 0.0
    except (RedisError, msgspec.MsgspecError):
        return None
    return Queue(int(waiting), sent or None)


def beat(name: str) -> None:
    """A worker lives."""
    try:
        said = msgspec.json.encode(Beat(name, time.time()))
        _store().hset(WORKERS, name, said)
    except RedisError as error:
        log.debug("heartbeat_not_kept", error=type(error).__name__)


def workers() -> Sequence[Beat] | None:
    """Those that live, by name; what is gone is forgotten."""
    try:
        said = [msgspec.json.decode(row, type=Beat) for row in _store().hvals(WORKERS)]
        gone = [row.name for row in said if row.at < time.time() - SILENT_AFTER_S]
        if gone:
            _store().hdel(WORKERS, *gone)
    except (RedisError, msgspec.MsgspecError):
        return None
    return sorted((row for row in said if row.name not in gone), key=lambda row: row.name)


def forget_connection() -> None:
    """After a fork: a child has connections of its own."""
    _store.cache_clear()


def answers_in_ms() -> float | None:
    started = time.perf_counter()
    try:
        _store().ping()
    except RedisError:
        return None
    return (time.perf_counter() - started) * 1000


def memory_bytes() -> int | None:
    try:
        return int(_store().info("memory")["used_memory"])
    except (RedisError, KeyError):
        return None
