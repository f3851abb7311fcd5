"""Token buckets: one per client and class of calls, shared by all processes through Valkey.

Where Valkey is away each process limits for itself, so that nights keep coming in.
"""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from noctis import errors, faults, metrics
from noctis.db.circuit import Circuit, Dependency
from noctis.rates import Limit, in_force

MOST_LOCAL_BUCKETS = 10_000
# A password guessed at every process in turn is guessed too fast.
NEVER_LOCAL = frozenset({"sign_in"})

# How long a process serves what it asked for at once.
LEASE_S = 1.0

# KEYS[1] bucket; ARGV capacity, tokens per second, tokens wanted. Returns how many were granted
# and the tokens left (a string keeps fractions); below zero is how many were missing.
_TAKE = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local tokens = math.min(capacity, (tonumber(state[1]) or capacity)
  + math.max(0, at - (tonumber(state[2]) or at)) * rate)
local granted = math.min(tonumber(ARGV[3]), math.floor(tokens))
local left = tokens - math.max(1, granted)
if left >= 0 then tokens = left end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(at))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * capacity / rate) + 1000)
return {granted, tostring(left)}
"""


@dataclass(frozen=True)
class Verdict:
    """What a bucket said: `left` below zero is a refusal."""

    limit: Limit
    left: float

    @property
    def is_allowed(self) -> bool:
        return self.left >= 0

    @property
    def retry_after_s(self) -> int:
        return max(1, math.ceil(-self.left / self.limit.rate))

    @property
    def headers(self) -> dict[str, str]:
        missing = self.limit.calls - max(0.0, self.left)
        return {
            "RateLimit-Limit": str(self.limit.calls),
            "RateLimit-Remaining": str(max(0, int(self.left))),
            "RateLimit-Reset": str(math.ceil(missing / self.limit.rate)),
        }


# Before any code is registered: what is wrong here is told as it is, whoever imports this again.
LIMITS = in_force(settings.RATE_LIMITS)


class CannotCount(errors.Unavailable):
    row = errors.registered(
        "limits_unavailable",
        503,
        "Attempts cannot be counted",
        "The store that counts attempts for all processes is away, and this call needs it.",
        "Repeat after `Retry-After`; calls with a service token go on meanwhile.",
        is_retryable=True,
    )


class LocalBuckets:
    """The same arithmetic in this process; bounded, the least recently used bucket goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, limit: Limit) -> float:
        now = time.monotonic()
        with self._lock:
            tokens, at = self._buckets.pop(key, (float(limit.calls), now))
            tokens = min(limit.calls, tokens + (now - at) * limit.rate)
            left = tokens - 1
            self._buckets[key] = (left if left >= 0 else tokens, now)
            if len(self._buckets) > MOST_LOCAL_BUCKETS:
                self._buckets.popitem(last=False)
        return left


class Leases:
    """Calls that the shared bucket has granted this process and that were not made yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[int, float, float]] = OrderedDict()

    def take(self, key: str) -> float | None:
        """Use one, and say what is left of the allowance; None where a new lease is due."""
        with self._lock:
            calls, left, until = self._held.pop(key, (0, 0.0, 0.0))
            if not calls or time.monotonic() >= until:
                return None
            self._held[key] = (calls - 1, left, until)
        return left + calls - 1

    def keep(self, key: str, calls: int, left: float) -> None:
        with self._lock:
            self._held[key] = (calls, left, time.monotonic() + LEASE_S)
            if len(self._held) > MOST_LOCAL_BUCKETS:
                self._held.popitem(last=False)


@cache
def _script() -> Script:
    """Short deadlines and no retries: a limit is never worth a slow request."""
    store = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.2,
        socket_connect_timeout=0.2,
        retry=Retry(NoBackoff(), 0),
    )
    return store.register_script(_TAKE)


def _ping() -> None:
    _script().registered_client.ping()


# One failure is enough, for nothing is lost by counting alone; and its end is soon found, for
# nobody signs in before.
STORE = Circuit(
    threshold=1,
    recovery_s=2.0,
    dependency=Dependency("redis", (RedisError,), CannotCount, metrics.LIMITS_CIRCUIT),
)
_local = LocalBuckets()
_leases = Leases()


def take(route_class: str, caller: str) -> Verdict | None:
    """Use one call of the caller's allowance; None where the class has no limit."""
    limit = LIMITS.get(route_class)
    if limit is None:
        return None
    key = f"limit:{route_class}:{caller}"
    left = _take_shared(key, limit)
    if left is None:
        if route_class in NEVER_LOCAL:
            raise CannotCount
        metrics.RATE_LIMIT_FALLBACK.inc()
        left = _local.take(key, limit)
    return Verdict(limit, left)


def _take_shared(key: str, limit: Limit) -> float | None:
    """Ask the shared bucket; while its circuit is open, do not even ask."""
    if faults.source is not None and faults.found(faults.Kind.REDIS_DOWN):
        return None
    if (left := _leases.take(key)) is not None:
        return left
    try:
        STORE.check(_ping)
        granted, text = _script()(keys=[key], args=[limit.calls, limit.rate, limit.lease])
    except CannotCount:
        metrics.RATE_LIMIT_FELL_BACK_AT.set_to_current_time()
        return None
    except RedisError as error:
        STORE.note_failure(type(error).__name__)
        metrics.RATE_LIMIT_FELL_BACK_AT.set_to_current_time()
        return None
    STORE.note_success()
    if granted > 1:
        _leases.keep(key, granted - 1, float(text))
    return float(text) + max(0, granted - 1)
