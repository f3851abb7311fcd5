"""How much waits for a worker, asked of the broker; None where it does not answer."""

from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

QUEUE = "celery"


@cache
def _store() -> Redis:
    """A page is not worth waiting for the broker."""
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
