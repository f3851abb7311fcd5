"""What processes tell each other through Redis: the newest generation, and what each serves.

Nothing here is the truth; where Redis is away the database is asked instead.
"""

import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)
GENERATION, PROCESSES = "noctis:serving:generation", "noctis:serving:processes"
# A process that has said nothing for so long is gone.
SILENT_AFTER_S = 5.0
# Whoever publishes late takes nobody back. A number of a database that is gone ends by itself.
KEPT_FOR_S = 600
PUBLISH = """
local known = tonumber(redis.call('GET', KEYS[1]))
if known and known > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class Report(msgspec.Struct, frozen=True):
    """What a process serves."""

    process: str
    generation: int
    live: str | None
    night: str | None
    failures: dict[str, str]
    at: float


@cache
def _redis() -> Redis:
    """Short deadlines and no retries: it is asked again in a second."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 0),
    )


@cache
def process_name() -> str:
    """Of this process, for as long as it lives."""
    return uuid.uuid4().hex[:12]


def forget_process() -> None:
    """After a fork: a child has a name and connections of its own."""
    process_name.cache_clear()
    _redis.cache_clear()


def generation() -> int | None:
    """The number that was published last; None where nobody can say."""
    try:
        number = _redis().get(GENERATION)
        return None if number is None else int(number)
    except (RedisError, ValueError):
        return None


def publish(number: int) -> None:
    """Tell every process; one that does not hear of it asks the database within seconds."""
    try:
        _redis().eval(PUBLISH, 1, GENERATION, str(number), str(KEPT_FOR_S))
    except RedisError as error:
        log.warning("serving_not_published", error=type(error).__name__)


def report(facts: Mapping[str, Any]) -> None:
    try:
        mine = Report(process=process_name(), at=_now(), **facts)
        _redis().hset(PROCESSES, mine.process, msgspec.json.encode(mine))
    except RedisError as error:
        log.debug("serving_not_reported", error=type(error).__name__)


def reports() -> list[Report] | None:
    """What each process that lives said last, or None where nobody can be asked.

    Those that are gone are forgotten, and so is what cannot be read or comes from another time."""
    try:
        now = _now()
        said = {name: _read(raw, now) for name, raw in _redis().hgetall(PROCESSES).items()}
        if gone := [name for name, row in said.items() if row is None]:
            _redis().hdel(PROCESSES, *gone)
    except RedisError as error:
        log.warning("serving_reports_unread", error=type(error).__name__)
        return None
    return sorted((row for row in said.values() if row), key=lambda row: row.process)


def _now() -> float:
    """By one clock, however far those of the processes' machines are apart."""
    seconds, microseconds = _redis().time()
    return float(seconds) + float(microseconds) / 1e6


def _read(raw: bytes | str, now: float) -> Report | None:
    try:
        row = msgspec.json.decode(raw, type=Report)
    except msgspec.MsgspecError:
        return None
    return row if abs(row.at - now) <= SILENT_AFTER_S else None
