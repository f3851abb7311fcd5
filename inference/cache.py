"""What this process staged a moment ago: bounded by entries, bytes and age, least used goes first.

An entry holds what a version said of some inputs; which row that is, the log alone knows.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from inference.engine import Model, Network, Staged
from inference.engine.nights import Codes, Floats

# Key, tuple and slot of an entry beside its arrays, as tracemalloc counts them.
OVERHEAD_BYTES = 700


@dataclass(frozen=True)
class Key:
    """Tenants, versions and schemas share nothing, whatever the inputs are."""

    tenant_id: int
    artifact_hash: str
    schema_version: str
    inputs: bytes  # a hash of the windows' bytes, their places and the pass


class Cache:
    """At 0 entries it keeps nothing. An entry's age counts from when it was put."""

    def __init__(
        self,
        most_items: int,
        most_bytes: int,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_items, self._most_bytes, self._ttl_s = most_items, most_bytes, ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Staged, float]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def get(self, key: Key) -> Staged | None:
        now = self._clock()
        with self._lock:
            staged, until = self._kept.get(key, (None, 0.0))
            if staged is None:
                return None
            if now >= until:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return staged

    def put(self, key: Key, staged: Staged) -> None:
        size, until = _size(staged), self._clock() + self._ttl_s
        if size > self._most_bytes:
            return
        for array in _arrays_of(staged):
            array.flags.writeable = False  # whoever gets it shares it with the next
        with self._lock:
            if key in self._kept:
                self._drop(key)
            self._kept[key] = (staged, until)
            self._bytes += size
            while len(self._kept) > self._most_items or self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _drop(self, key: Key) -> None:
        staged, _ = self._kept.pop(key)
        self._bytes -= _size(staged)


def _size(staged: Staged) -> int:
    return OVERHEAD_BYTES + sum(array.nbytes for array in _arrays_of(staged))


def _arrays_of(staged: Staged) -> tuple[Codes, Floats, Floats]:
    return staged.stages, staged.probabilities, staged.confidence


def is_worth_it(model: Model) -> bool:
    """One matrix product is cheaper than the key of its inputs; a network is not, nor is whatever
    looks at more than the epoch at hand."""
    return isinstance(model.head, Network) or model.reach > 1


CACHE = Cache(settings.CACHE_MAX_ITEMS, settings.CACHE_MAX_BYTES, settings.CACHE_TTL_SECONDS)
