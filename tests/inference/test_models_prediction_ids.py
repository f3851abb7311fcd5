"""A prediction's id is its key: packed, read back, and refused where it is none of ours."""

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from inference import prediction_ids
from inference.prediction_ids import WIDTHS, PredictionKey

KEYS = some.builds(
    PredictionKey, **{name: some.integers(0, 2**bits - 1) for name, bits in WIDTHS.items()}
)


@given(KEYS)
def test_an_id_gives_its_key_back(key: PredictionKey) -> None:
    packed = prediction_ids.packed(key)

    assert PredictionKey.read(str(packed)) == PredictionKey.read(packed) == key
    assert packed.version == 8
    assert packed.variant == "specified in RFC 4122"


@given(KEYS, some.lists(some.tuples(some.integers(0, 2**16 - 1), some.integers(0, 2**20 - 1))))
def test_a_nights_ids_are_those_of_its_keys_one_by_one(
    key: PredictionKey, places: list[tuple[int, int]]
) -> None:
    index, revision = np.array(places, dtype=np.int32).reshape(-1, 2).T

    together = prediction_ids.texts(key, index, revision)

    fixed = (key.model, key.role, key.staging_pass)
    assert together == [
        str(prediction_ids.packed(PredictionKey(key.recording, i, *fixed, r))) for i, r in places
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not-an-id",
        "5a1231d1-2db9-4fdb-b78d-582fc8269a27",
        str(UUID(int=0)),
        # One bit where none is ours.
        str(UUID(int=prediction_ids.packed(PredictionKey(1, 2, 3, 0, 1, 0)).int | 1)),
    ],
)
def test_what_is_no_id_of_ours_has_no_key(text: str) -> None:
    assert PredictionKey.read(text) is None


@pytest.mark.parametrize(
    ("index", "revision", "name"),
    [
        (2**16, 0, "epoch_index"),
        (-1, 0, "epoch_index"),
        (0, 2**20, "revision"),
        (0, -1, "revision"),
    ],
)
def test_a_night_of_ids_that_would_not_fit_is_refused(index: int, revision: int, name: str) -> None:
    key = PredictionKey(1, 0, 3, 0, 1, 0)

    with pytest.raises(ValueError, match=name):
        prediction_ids.texts(key, np.array([0, index]), np.array([0, revision]))


@pytest.mark.parametrize("name", WIDTHS)
def test_a_key_that_would_not_fit_is_refused(name: str) -> None:
    fields = dict.fromkeys(WIDTHS, 0) | {name: 2 ** WIDTHS[name]}

    with pytest.raises(ValueError, match=name):
        PredictionKey(**fields)
