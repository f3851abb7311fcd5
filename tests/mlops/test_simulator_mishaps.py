"""What goes wrong over weeks happens to the nights named, and to no others."""

import numpy as np
import pytest

from mlops.simulator.mishaps import DRIFTED, DRIFTS_WITHIN, Mishaps, drifted
from mlops.simulator.nights import simulate
from mlops.simulator.tables import FEATURES

NIGHT = next(simulate([(3, 1)])).features


def ratio(left: np.ndarray, name: str) -> float:
    place = FEATURES.index(name)
    known = np.isfinite(NIGHT[:, place]) & (NIGHT[:, place] > 0)
    return float(np.median(left[known, place] / NIGHT[known, place]))


def test_without_mishaps_a_night_stays_as_it_is() -> None:
    left = Mishaps().happen_to(NIGHT, 5)

    assert np.array_equal(left, NIGHT, equal_nan=True)
    assert left is not NIGHT


def test_lost_hours_are_gone_in_their_night_alone() -> None:
    mishaps = Mishaps(lost={2: slice(100, 220)})

    hit, spared = (mishaps.happen_to(NIGHT, night) for night in (2, 3))

    assert np.isnan(hit[100:220]).all()
    assert np.array_equal(hit[220:], NIGHT[220:], equal_nan=True)
    assert np.array_equal(spared, NIGHT, equal_nan=True)


def test_a_drift_grows_for_a_week_and_then_stays() -> None:
    mishaps = Mishaps(drifts_from=4)

    spreads = [ratio(mishaps.happen_to(NIGHT, night), "hr_std") for night in (3, 4, 7, 10, 20)]

    steps = [0, 1 / DRIFTS_WITHIN, 4 / DRIFTS_WITHIN, 1, 1]
    assert spreads == pytest.approx([1 + step * (DRIFTED["hr_std"] - 1) for step in steps])


def test_a_drift_leaves_the_other_features_and_gaps_alone() -> None:
    left = drifted(NIGHT, 1.0)

    others = [place for place, name in enumerate(FEATURES) if name not in DRIFTED]
    assert np.array_equal(left[:, others], NIGHT[:, others], equal_nan=True)
    assert np.array_equal(np.isnan(left), np.isnan(NIGHT))
    assert left.dtype == np.float32
