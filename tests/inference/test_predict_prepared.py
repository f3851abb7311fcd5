"""A question's two statements by libpq's own call say what they say by psycopg's cursor."""

from dataclasses import replace

import numpy as np
import pytest
from django.db import transaction

from inference import queries, rows
from inference.models import Pass, Prediction, Role
from recordings.models import Recording
from tests.factories import RecordingFactory
from tests.inference.test_predict_log import answers, marks, occasion
from tests.recordings import nights
from tests.recordings.test_reads import keep

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows", "shipped_schemas"),
]


def test_a_night_is_read_the_same_in_a_transaction_and_outside_of_one() -> None:
    night = nights.night_of(RecordingFactory().tenant, name="other")
    keep(night, nights.features(30))

    outside = queries.night_of(night.tenant, night.uuid, newest=20)
    with transaction.atomic():
        inside = queries.night_of(night.tenant, night.uuid, newest=20)

    assert outside is not None
    assert inside is not None
    assert len(outside.index) == 20
    for name, value in vars(inside).items():
        assert np.array_equal(value, getattr(outside, name), equal_nan=name == "features"), name


def test_stages_are_logged_the_same_in_a_transaction_and_outside_of_one() -> None:
    one, two = RecordingFactory(), RecordingFactory()
    given = answers([2, 3], marks("a", "b"))

    outside = [rows.log(occasion(one, client_id=None), given, 5) for _ in range(2)]
    with transaction.atomic():
        inside = [rows.log(occasion(two, client_id=None), given, 5) for _ in range(2)]

    assert [logged.is_known.tolist() for logged in outside] == [[False] * 2, [True] * 2]
    for found, wanted in zip(outside, inside, strict=True):
        for name, value in vars(wanted).items():
            assert np.array_equal(value, getattr(found, name)), name
    assert kept(one) == kept(two)


def test_a_known_night_is_read_the_same_in_a_transaction_and_outside_of_one() -> None:
    recording = RecordingFactory()
    by_night = occasion(recording, staging_pass=Pass.NIGHT)
    given = answers([2, 3, 5], marks("a"))
    logged = rows.log(by_night, given, 5)

    outside = rows.known(by_night, range(8), marks("a"))
    with transaction.atomic():
        inside = rows.known(by_night, range(8), marks("a"))

    assert outside is not None
    assert inside is not None
    for name, value in vars(logged).items():
        wanted = np.ones(3, bool) if name == "is_known" else value
        assert np.array_equal(wanted, getattr(outside, name)), name
        assert np.array_equal(wanted, getattr(inside, name)), name


@pytest.mark.parametrize(
    "other",
    [{"model_id": 8}, {"role": Role.INLINE}, {"staging_pass": Pass.LIVE}, {"tenant_id": 0}],
)
def test_a_night_is_known_to_its_own_alone(other: dict[str, object]) -> None:
    recording = RecordingFactory()
    by_night = occasion(recording, staging_pass=Pass.NIGHT)
    rows.log(by_night, answers([2, 3], marks("a")), 5)

    assert rows.known(by_night, range(4), marks("a")) is not None
    assert rows.known(by_night, range(4), marks("b")) is None
    assert rows.known(replace(by_night, **other), range(4), marks("a")) is None


def kept(recording: Recording) -> list[tuple[object, ...]]:
    own = ("pk", "recording_id", "tenant_id", "created_at", "window_end_ts", "input_hash")
    found = Prediction.objects.filter(recording_id=recording.pk).order_by("epoch_index")
    return [
        (bytes(row["input_hash"]), *(row[name] for name in row if name not in own))
        for row in found.values()
    ]
