"""What a process remembers: bounded by entries, bytes and age; nothing shared, nothing torn."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from inference.cache import OVERHEAD_BYTES, Cache, Key
from inference.engine import Staged

KEY = Key(1, "a" * 64, "noctis_v1", b"i" * 16)
EPOCH_BYTES = OVERHEAD_BYTES + 1 + 16 + 4


def staged(code: int = 0, epochs: int = 1) -> Staged:
    return Staged(
        np.full(epochs, code, np.int8),
        np.full((epochs, 4), 0.25, np.float32),
        np.full(epochs, 0.25, np.float32),
    )


def keys(count: int) -> list[Key]:
    return [replace(KEY, inputs=f"{number:016}".encode()) for number in range(count)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cache(items: int = 100, most_bytes: int = 1_000_000, clock: Clock | None = None) -> Cache:
    return Cache(items, most_bytes, 300, clock or Clock())


def test_nobody_writes_into_what_is_kept() -> None:
    kept = cache()
    kept.put(KEY, staged(3))

    found = kept.get(KEY)

    assert found is not None
    for array in (found.stages, found.probabilities, found.confidence):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_what_was_put_is_found() -> None:
    kept, given = cache(), staged(3)

    kept.put(KEY, given)

    assert kept.get(KEY) is given


@pytest.mark.parametrize(
    "other",
    [
        {"tenant_id": 2},
        {"artifact_hash": "b" * 64},
        {"schema_version": "v1"},
        {"inputs": b"j" * 16},
    ],
    ids=lambda other: next(iter(other)),
)
def test_tenants_versions_schemas_and_inputs_share_nothing(other: dict[str, object]) -> None:
    kept = cache()

    kept.put(KEY, staged())

    assert kept.get(replace(KEY, **other)) is None


def test_the_least_recently_used_goes_first() -> None:
    kept, (first, second, third) = cache(items=2), keys(3)
    kept.put(first, staged())
    kept.put(second, staged())
    kept.get(first)

    kept.put(third, staged())

    assert [kept.get(key) is not None for key in (first, second, third)] == [True, False, True]


def test_an_age_is_absolute_however_often_it_is_used() -> None:
    clock = Clock()
    kept = cache(clock=clock)
    kept.put(KEY, staged())

    found = []
    for clock.now in (100.0, 299.9, 300.0):
        found.append(kept.get(KEY) is not None)

    assert found == [True, True, False]
    assert (len(kept), kept.size_bytes) == (0, 0)


def test_bytes_are_bounded_too() -> None:
    kept = cache(most_bytes=3 * EPOCH_BYTES)

    for key in keys(10):
        kept.put(key, staged())

    assert len(kept) == 3
    assert kept.size_bytes == 3 * EPOCH_BYTES


def test_what_is_larger_than_all_room_displaces_nothing() -> None:
    kept, (small, large) = cache(most_bytes=2 * EPOCH_BYTES), keys(2)
    kept.put(small, staged())

    kept.put(large, staged(epochs=960))

    assert kept.get(small) is not None
    assert kept.get(large) is None


def test_putting_again_replaces_and_counts_once() -> None:
    kept = cache()
    kept.put(KEY, staged(0, epochs=5))

    kept.put(KEY, staged(4))

    assert kept.get(KEY).stages.tolist() == [4]
    assert (len(kept), kept.size_bytes) == (1, EPOCH_BYTES)


def test_no_room_keeps_nothing() -> None:
    kept = cache(items=0)

    kept.put(KEY, staged())

    assert kept.get(KEY) is None
    assert kept.size_bytes == 0


def test_clearing_leaves_nothing() -> None:
    kept = cache()
    kept.put(KEY, staged())

    kept.clear()

    assert (kept.get(KEY), len(kept), kept.size_bytes) == (None, 0, 0)


def test_many_threads_keep_the_books_straight() -> None:
    kept, every = cache(items=20, most_bytes=15 * EPOCH_BYTES), keys(60)

    def use(seed: int) -> None:
        for place in np.random.default_rng(seed).integers(0, len(every), 2_000):
            if kept.get(every[place]) is None:
                kept.put(every[place], staged())

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept) == 15
    assert kept.size_bytes == 15 * EPOCH_BYTES
