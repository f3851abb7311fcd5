"""The fast path against the slow specification: the same bodies, arrays and refusals."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noctis import errors
from recordings import batches, faults, intake
from recordings.batches import EpochBatch
from recordings.services.schemas import Spoken
from tests.recordings import bodies, specification
from tests.recordings.nights import NAMES, SCHEMA, VERSION, features, packed

SPOKEN = Spoken(1, VERSION, SCHEMA)
often = settings(max_examples=120, deadline=None)
START = datetime(2026, 11, 20, 22, tzinfo=UTC)


def slowly(body: Any) -> specification.Kept | None:
    try:
        return specification.batch(body, SCHEMA, VERSION)
    except specification.Refused:
        return None


def slowly_for_a_device(body: Any) -> specification.Kept | None:
    try:
        return specification.device_batch(body, SCHEMA)
    except specification.Refused:
        return None


def told(batch: EpochBatch) -> tuple[dict[int, bytes], int, str]:
    rows = dict(zip(batch.index.tolist(), (row.tobytes() for row in batch.features), strict=True))
    return rows, batch.received, batch.checksum


def refusal_of(read: Callable[[bytes, Spoken], object], raw: bytes) -> errors.Refusal | None:
    try:
        read(raw, SPOKEN)
    except (errors.BadRequest, errors.Invalid) as refusal:
        return refusal
    return None


def check_refusal(refusal: errors.Refusal, body: Any) -> None:
    """It names something, and each pointer leads to a place that is there, or is missed."""
    assert refusal.problems
    for problem in refusal.problems:
        steps = [s.replace("~1", "/").replace("~0", "~") for s in problem.pointer.split("/")[1:]]
        if problem.code == "required":
            assert steps.pop() not in reached(body, steps)
        reached(body, steps)


def reached(tree: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(tree, str):  # a packed value has no steps of its own
            return tree
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    return tree


@often
@given(bodies.spoilt(st.one_of(bodies.listed_bodies(), bodies.columns())))
@example({"recording_id": bodies.RECORDING.hex, "epochs": []})
@example({"recording_id": str(bodies.RECORDING), "epochs": [], "start_index": 0})
@example([])
def test_a_batch_is_taken_exactly_as_the_specification_takes_it(body: Any) -> None:
    kept = slowly(body)

    try:
        taken = intake.read_batch(bodies.raw(body), SPOKEN)
    except errors.Invalid as refusal:
        assert kept is None
        check_refusal(refusal, body)
    else:
        assert kept is not None
        assert told(taken.batch) == (kept.epochs, kept.received, kept.checksum)
        assert faults.in_batch(body, SCHEMA, VERSION) == []


@often
@given(bodies.spoilt(bodies.device_bodies()))
def test_a_device_s_batch_is_taken_exactly_as_the_specification_takes_it(body: Any) -> None:
    kept = slowly_for_a_device(body)

    try:
        _, batch = intake.read_device_batch(bodies.raw(body), SPOKEN)
    except errors.Invalid as refusal:
        assert kept is None
        check_refusal(refusal, body)
    else:
        assert kept is not None
        assert told(batch) == (kept.epochs, kept.received, kept.checksum)
        assert faults.in_device_batch(body, SCHEMA) == []


@often
@given(st.data())
def test_bytes_that_are_no_batch_are_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    whole = bodies.raw(data.draw(bodies.spoilt(bodies.listed_bodies())))
    at = data.draw(st.integers(0, len(whole)))
    tokens = [b"", b"NaN", b"1e999", b"9" * 5_000, b"[" * 3_000, b"\xff", b'"\\ud800"', b"\x00"]
    inserted = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from(tokens)))
    raw = whole[:at] + inserted + data.draw(st.sampled_from([whole[at:], b""]))

    for read in (intake.read_batch, intake.read_device_batch):
        refusal = refusal_of(read, raw)
        assert refusal is None or refusal.row.status == 400 or refusal.problems


@often
@given(
    st.lists(st.tuples(st.integers(0, 2_879), bodies.CLOCKS_US), min_size=1, max_size=9),
    st.integers(0, 999_999),
)
def test_the_grid_is_exact_to_the_microsecond(said: list[tuple[int, int]], part: int) -> None:
    started_at = START + timedelta(microseconds=part)
    sent = [
        {
            "epoch_index": index,
            "epoch_start_ts": (
                started_at + timedelta(seconds=30 * index, microseconds=off)
            ).isoformat(),
            "feature_schema_version": VERSION,
            "features": [None] * 15,
        }
        for index, off in said
    ]
    body = {"recording_id": str(bodies.RECORDING), "epochs": sent}

    batch = intake.read_batch(bodies.raw(body), SPOKEN).batch

    kept = specification.batch(body, SCHEMA, VERSION)
    assert batch.off_grid(started_at.timestamp()).tolist() == kept.off_grid(started_at)


def test_the_largest_batch_is_taken_and_one_epoch_more_is_refused() -> None:
    row = packed(features(1))
    epoch = {"epoch_start_ts": START.isoformat(), "feature_schema_version": VERSION}
    sent = [epoch | {"epoch_index": index % 2_880, "features": row} for index in range(2_881)]
    body = {"recording_id": str(bodies.RECORDING), "epochs": sent[:2_880]}

    largest = intake.read_batch(bodies.raw(body), SPOKEN).batch

    assert len(largest) == 2_880
    with pytest.raises(errors.Invalid):
        intake.read_batch(bodies.raw(body | {"epochs": sent}), SPOKEN)


@pytest.mark.parametrize("name", NAMES)
def test_a_range_is_checked_in_the_precision_that_is_stored(name: str) -> None:
    feature = SCHEMA[NAMES.index(name)]
    assert feature.maximum is not None
    row: list[Any] = [None] * 15

    def is_taken(value: float) -> bool:
        row[NAMES.index(name)] = value
        try:
            batches._checked(batches.matrix_of([list(row)], SCHEMA), SCHEMA)
        except batches.NotGood:
            return False
        return True

    above = float(np.nextafter(np.float32(feature.maximum), np.float32(np.inf)))
    assert is_taken(feature.maximum)
    assert is_taken(feature.maximum * (1 + 1e-9))
    assert not is_taken(above)


def test_the_generated_bodies_are_neither_all_good_nor_all_bad() -> None:
    """Without this the properties above could hold of nothing."""
    seen = {True: 0, False: 0}

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(bodies.spoilt(st.one_of(bodies.listed_bodies(), bodies.columns())))
    def look(body: Any) -> None:
        seen[slowly(json.loads(bodies.raw(body))) is not None] += 1

    look()

    assert min(seen.values()) > 15
