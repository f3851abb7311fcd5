"""Bad batches at `/v1/epochs:ingest`: each a clear 4xx that names places and writes nothing."""

import base64
import struct
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from recordings.models import Recording
from tests.factories import TenantFactory
from tests.recordings.gateway import (
    CANARY,
    CANARY_NUMBER,
    Gateway,
    check_nothing_happened,
    problems,
)
from tests.recordings.nights import (
    NAMES,
    body,
    epoch,
    features,
    instant,
    listed,
    night_of,
    packed,
)

pytestmark = pytest.mark.django_db
Make = Callable[[Recording], Any]


@pytest.fixture
def recording() -> Recording:
    return night_of(TenantFactory())


@pytest.fixture
def gateway(recording: Recording) -> Gateway:
    return Gateway(recording.tenant)


def row(**changes: Any) -> list[Any]:
    """Good features but for the ones named."""
    values: list[Any] = listed(features(1, gaps=0)[0])
    for name, value in changes.items():
        values[NAMES.index(name)] = value
    return values


def one(values: Any = None, **fields: Any) -> Make:
    """A good batch of two epochs, but for the second one's features or fields."""

    def make(recording: Recording) -> Any:
        bad = epoch(recording, 1, row() if values is None else values, **fields)
        return {"recording_id": str(recording.uuid), "epochs": [epoch(recording, 0, row()), bad]}

    return make


def without(name: str) -> Make:
    def make(recording: Recording) -> Any:
        made = one()(recording)
        del made["epochs"][1][name]
        return made

    return make


def topped(**fields: Any) -> Make:
    return lambda recording: one()(recording) | fields


def column(**fields: Any) -> Make:
    return lambda recording: body(recording, features(3), 0, "column") | fields


def packed_row(*bits: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(bits)}f", *bits)).decode()


def named_but(**changes: Any) -> dict[str, Any]:
    return dict(zip(NAMES, row(), strict=True)) | changes


def unnamed(name: str) -> dict[str, Any]:
    return {key: value for key, value in named_but().items() if key != name}


INF = packed_row(*row(hr_std=float("inf")))
AT = "/epochs/1/features"
INDEX = "/epochs/1/epoch_index"
INSTANT = "/epochs/1/epoch_start_ts"
SPOKEN = "/epochs/1/feature_schema_version"
BAD: dict[str, tuple[Make, list[tuple[str, str]]]] = {
    "14 values": (one(row()[:14]), [(AT, "wrong_length")]),
    "no values": (one([]), [(AT, "wrong_length")]),
    "56 bytes": (one(packed_row(*[0] * 14)), [(AT, "wrong_length")]),
    "59 bytes": (one(base64.b64encode(bytes(59)).decode()), [(AT, "bad_base64")]),
    "unknown feature": (one(named_but(snore=1)), [(f"{AT}/snore", "unknown_field")]),
    "missing feature": (one(unnamed("flags")), [(f"{AT}/flags", "required")]),
    "infinity in base64": (one(INF), [(f"{AT}/2", "not_finite")]),
    "more than a float32": (one(row(hr_std=1e39)), [(f"{AT}/2", "not_finite")]),
    "2**70": (one(row(hr_std=2**70)), [(f"{AT}/2", "out_of_range")]),
    "10**400": (one(row(hr_std=10**400)), [(f"{AT}/2", "not_finite")]),
    "out of range": (one(row(hr_mean=CANARY_NUMBER)), [(f"{AT}/1", "out_of_range")]),
    "below the range": (one(named_but(hr_mean=19.9)), [(f"{AT}/hr_mean", "out_of_range")]),
    "text for a number": (one(row(hr_mean=CANARY)), [(f"{AT}/1", "wrong_type")]),
    "true for a number": (one(row(hr_mean=True)), [(f"{AT}/1", "wrong_type")]),
    "a number for features": (one(CANARY_NUMBER), [(AT, "wrong_type")]),
    "wrong base64": (one(CANARY), [(AT, "bad_base64")]),
    "base64 with a line break": (one(packed_row(*row())[:40] + "\n"), [(AT, "bad_base64")]),
    "negative index": (one(epoch_index=-1), [(INDEX, "out_of_range")]),
    "huge index": (one(epoch_index=2**70), [(INDEX, "out_of_range")]),
    "the index after a day": (one(epoch_index=2_880), [(INDEX, "out_of_range")]),
    "float index": (one(epoch_index=1.5), [(INDEX, "wrong_type")]),
    "whole float index": (one(epoch_index=1.0), [(INDEX, "wrong_type")]),
    "bool index": (one(epoch_index=True), [(INDEX, "wrong_type")]),
    "text index": (one(epoch_index=CANARY), [(INDEX, "wrong_type")]),
    "naive time": (one(epoch_start_ts="2026-11-20T22:00:30"), [(INSTANT, "bad_instant")]),
    "no day": (one(epoch_start_ts="2026-02-30T22:00:30Z"), [(INSTANT, "bad_instant")]),
    "a number for a time": (one(epoch_start_ts=CANARY_NUMBER), [(INSTANT, "bad_instant")]),
    "mixed versions": (one(feature_schema_version="v1"), [(SPOKEN, "feature_schema_mismatch")]),
    "a number for a version": (one(feature_schema_version=1), [(SPOKEN, "wrong_type")]),
    "no index": (without("epoch_index"), [(INDEX, "required")]),
    "no time": (without("epoch_start_ts"), [(INSTANT, "required")]),
    "no features": (without("features"), [(AT, "required")]),
    "unknown field of an epoch": (one(mood="x"), [("/epochs/1/mood", "unknown_field")]),
    "unknown field": (topped(**{"a/b~": CANARY}), [("/a~1b~0", "unknown_field")]),
    "no recording": (
        lambda recording: {"epochs": one()(recording)["epochs"]},
        [("/recording_id", "required")],
    ),
    "malformed recording": (topped(recording_id=CANARY), [("/recording_id", "bad_uuid")]),
    "a number for a recording": (topped(recording_id=5), [("/recording_id", "bad_uuid")]),
    "start_index beside a list": (topped(start_index=0), [("/start_index", "unknown_field")]),
    "empty batch": (topped(epochs=[]), [("/epochs", "wrong_length")]),
    "2,881 epochs": (
        lambda r: topped(epochs=[epoch(r, i % 9, [None] * 15) for i in range(2_881)])(r),
        [("/epochs", "wrong_length")],
    ),
    "an object for epochs": (topped(epochs={}), [("/epochs", "wrong_type")]),
    "an epoch that is a list": (topped(epochs=[[]]), [("/epochs/0", "wrong_type")]),
    "a list for a body": (lambda _: [CANARY], [("", "wrong_type")]),
    "empty column": (column(epochs=""), [("/epochs", "wrong_length")]),
    "column of 2,881": (
        column(epochs=packed(np.full((2_881, 15), np.nan, np.float32))),
        [("/epochs", "wrong_length")],
    ),
    "ragged column": (column(epochs=packed_row(*[0] * 16)), [("/epochs", "wrong_length")]),
    "infinity in a column": (column(epochs=INF), [("/epochs/0/2", "not_finite")]),
    "column beyond a day": (column(start_index=2_878), [("/start_index", "out_of_range")]),
    "column from a negative index": (column(start_index=-1), [("/start_index", "out_of_range")]),
    "column from a bool": (column(start_index=True), [("/start_index", "wrong_type")]),
    "column without a start": (
        lambda recording: {k: v for k, v in column()(recording).items() if k != "start_index"},
        [("/start_index", "required")],
    ),
    "column without a version": (
        lambda recording: {
            k: v for k, v in column()(recording).items() if k != "feature_schema_version"
        },
        [("/feature_schema_version", "required")],
    ),
    "twice with other values": (
        lambda recording: topped(
            epochs=[epoch(recording, 4, row()), epoch(recording, 4, row(hr_std=1))]
        )(recording),
        [(INDEX, "repeated")],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_batch_is_refused_whole_and_its_fault_named(
    gateway: Gateway, recording: Recording, name: str
) -> None:
    make, named = BAD[name]

    answer = gateway.ingest(make(recording))

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert problems(answer) == named
    check_nothing_happened(answer, recording)


def test_another_schema_version_is_named(gateway: Gateway, recording: Recording) -> None:
    other = [epoch(recording, 0, [1] * 10, feature_schema_version="v1")]

    listed_one = gateway.ingest(topped(epochs=other)(recording))
    packed_one = gateway.ingest(column(feature_schema_version="v1")(recording))

    codes = [answer.json()["code"] for answer in (listed_one, packed_one)]
    assert codes == ["feature_schema_mismatch"] * 2
    assert problems(listed_one) == [("/epochs/0/feature_schema_version", "feature_schema_mismatch")]
    assert problems(packed_one) == [("/feature_schema_version", "feature_schema_mismatch")]
    check_nothing_happened(packed_one, recording)


@pytest.mark.parametrize("off_s", [-14.9, -15, 14.9, 15])
def test_a_clock_may_be_off_by_fifteen_seconds(
    gateway: Gateway, recording: Recording, off_s: float
) -> None:
    answer = gateway.ingest(one(epoch_start_ts=instant(recording, 1, off_s))(recording))

    assert answer.status_code == 200


@pytest.mark.parametrize("off_s", [-15.1, 15.000001, 15.1, 86_400])
def test_an_epoch_off_the_grid_refuses_the_batch(
    gateway: Gateway, recording: Recording, off_s: float
) -> None:
    answer = gateway.ingest(one(epoch_start_ts=instant(recording, 1, off_s))(recording))

    assert (answer.status_code, answer.json()["code"]) == (422, "epoch_off_grid")
    assert [problem["epoch_index"] for problem in answer.json()["errors"]] == [1]
    check_nothing_happened(answer, recording)


def test_a_repeated_epoch_s_clock_counts_too(gateway: Gateway, recording: Recording) -> None:
    off = epoch(recording, 0, row(), epoch_start_ts=instant(recording, 0, 20))
    sent = [epoch(recording, 1, row()), epoch(recording, 0, row()), off]

    answer = gateway.ingest(topped(epochs=sent)(recording))

    assert answer.json()["code"] == "epoch_off_grid"
    check_nothing_happened(answer, recording)


def test_what_is_older_than_the_retention_is_refused(
    gateway: Gateway, recording: Recording
) -> None:
    """A night may begin before the horizon by the time that its back-fill comes."""
    edge = timezone.now() - timedelta(days=90, seconds=-15)
    Recording.objects.filter(pk=recording.pk).update(started_at=edge - timedelta(seconds=60))
    recording.refresh_from_db()

    refused = gateway.ingest(body(recording, features(5)))

    assert (refused.status_code, refused.json()["code"]) == (409, "past_retention")
    assert [problem["epoch_index"] for problem in refused.json()["errors"]] == [0, 1]
    check_nothing_happened(refused, recording)
    assert gateway.ingest(body(recording, features(5)[2:], 2)).status_code == 200


@pytest.mark.parametrize("form", ["list", "column"])
def test_another_tenant_s_recording_and_an_absent_one_answer_alike(
    recording: Recording, form: str
) -> None:
    stranger = Gateway(TenantFactory())
    sent = body(recording, features(2), 0, form)

    answers = [stranger.ingest(sent), stranger.ingest(sent | {"recording_id": str(uuid4())})]

    told = [answer.json() | {"request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert told[0] == told[1]
    check_nothing_happened(answers[0], recording)


def test_sixty_problems_are_counted_and_fifty_listed(
    gateway: Gateway, recording: Recording
) -> None:
    sent = [epoch(recording, i, row(hr_mean=CANARY_NUMBER)) for i in range(60)]

    answer = gateway.ingest(topped(epochs=sent)(recording))

    assert answer.json()["detail"] == "60 problems, the first 50 listed."
    assert problems(answer) == [(f"/epochs/{i}/features/1", "out_of_range") for i in range(50)]
    check_nothing_happened(answer, recording)


def test_everything_wrong_is_named_at_once(gateway: Gateway, recording: Recording) -> None:
    sent = [
        epoch(recording, 0, row(hr_mean=1, rr_mean=CANARY)),
        epoch(recording, -1, row()[:3], epoch_start_ts="soon"),
        epoch(recording, 2, row()),
    ]

    answer = gateway.ingest({"recording_id": CANARY, "epochs": sent, "extra": CANARY})

    assert problems(answer) == [
        ("/extra", "unknown_field"),
        ("/recording_id", "bad_uuid"),
        ("/epochs/0/features/1", "out_of_range"),
        ("/epochs/0/features/4", "wrong_type"),
        ("/epochs/1/epoch_start_ts", "bad_instant"),
        ("/epochs/1/epoch_index", "out_of_range"),
        ("/epochs/1/features", "wrong_length"),
    ]
    check_nothing_happened(answer, recording)


def test_a_refusal_that_is_repeated_is_told_and_counted_again(
    gateway: Gateway, recording: Recording
) -> None:
    batch = {"recording_id": str(recording.uuid), "epochs": [epoch(recording, -1, row())]}
    counted = ("ingest_failures_total", {"code": gateway.ingest(batch).json()["code"]})
    before = REGISTRY.get_sample_value(*counted) or 0

    first, again = (gateway.ingest(batch, Idempotency_Key="night-1") for _ in range(2))

    assert (first.status_code, again.status_code) == (422, 422)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert REGISTRY.get_sample_value(*counted) == before + 2
