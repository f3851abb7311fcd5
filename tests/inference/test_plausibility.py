"""Whether a night can be a sleeper's: noise is found out, sleepers are left alone."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from inference import plausibility
from inference.engine import Staged
from inference.plausibility import UNJUDGED, plausibility_of
from mlops.simulator.nights import simulate
from mlops.sources import read_folder
from tests.inference import noise
from tests.inference.noise import KINDS, NAMES, only, without

HEART = ("hr_mean", "hr_std", "dhr")
MOVEMENT = ("large_move_pct", "minor_move_pct", "turnovers_delta", "vib_move_pct")
# As the sources of real nights have them.
BEATS = (*HEART, "rr_mean", "rr_std", "drr")
WRIST = ("hr_std", "vib_move_pct")
BREATH, STIR = ("rr_mean", "rr_std"), ("vib_move_pct",)
REAL = ("slpdb", "walch")


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def slow_continuity(line: np.ndarray) -> float:
    """Spearman's by the book: ranks with ties in the middle, one epoch after the other."""
    known = [value for value in line if not np.isnan(value)]
    rank = {v: sum(w < v for w in known) + sum(w == v for w in known) / 2 for v in set(known)}
    pairs = [(rank[a], rank[b]) for a, b in pairwise(line) if not (np.isnan(a) or np.isnan(b))]
    one, two = np.array(pairs).T
    return float(((one - one.mean()) * (two - two.mean())).mean() / one.std() / two.std())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [130, 960])
def test_noise_of_an_hour_or_a_night_is_implausible(kind: str, count: int) -> None:
    found = [plausibility_of(KINDS[kind](count, chance(seed)), NAMES) for seed in range(20)]

    assert all(one.is_implausible for one in found)


@pytest.mark.parametrize("known", [BEATS, WRIST, HEART, ("vib_move_pct",)], ids="-".join)
def test_noise_is_found_out_whatever_the_device_measures(known: tuple[str, ...]) -> None:
    night = only(noise.gaussian(480, chance()), *known)

    assert plausibility_of(night, NAMES).is_implausible


def test_a_night_whose_epochs_are_shuffled_is_no_night() -> None:
    nights = [night.features for night in simulate([(5, place) for place in range(10)])]

    shuffled = [chance(place).permutation(night) for place, night in enumerate(nights)]

    assert not any(plausibility_of(night, NAMES).is_implausible for night in nights)
    assert all(plausibility_of(night, NAMES).is_implausible for night in shuffled)


@pytest.mark.parametrize("missing", [(), HEART, MOVEMENT, (*HEART, *MOVEMENT)], ids=len)
def test_a_sleeper_is_believed_with_whatever_is_measured(missing: tuple[str, ...]) -> None:
    nights = simulate([(6, place) for place in range(30)])

    found = [plausibility_of(without(night.features, *missing), NAMES) for night in nights]

    assert not any(one.is_implausible for one in found)
    assert all(one.continuity is not None for one in found)


def test_smooth_noise_that_looks_like_a_sleeper_is_not_found_out() -> None:
    """What cannot be told from these numbers is said, here and in the glossary."""
    night = noise.smooth_and_usual(960, chance())

    assert not plausibility_of(night, NAMES).is_implausible


def test_less_than_an_hour_is_not_judged() -> None:
    assert plausibility_of(noise.uniform(120, chance()), NAMES) == UNJUDGED
    assert plausibility_of(noise.uniform(121, chance()), NAMES) != UNJUDGED
    assert plausibility_of(np.full((960, len(NAMES)), np.nan, np.float32), NAMES) == UNJUDGED


def test_a_sleeper_who_hardly_stirs_is_no_noise() -> None:
    night = np.full((480, len(NAMES)), np.nan, np.float32)
    night[:, NAMES.index("vib_move_pct")] = 30 * (chance().random(480) < 0.1)

    assert plausibility_of(night, NAMES) == UNJUDGED


def test_continuity_is_the_mean_rank_correlation_of_neighbours() -> None:
    night = only(noise.smooth_and_usual(200, chance(3)), "hr_mean", "rr_mean")
    night[50:60] = np.nan
    night[:, NAMES.index("rr_mean")] = np.round(night[:, NAMES.index("rr_mean")])

    found = plausibility_of(night, NAMES).continuity

    lines = [night[:, NAMES.index(name)] for name in ("hr_mean", "rr_mean")]
    assert found == pytest.approx(np.mean([slow_continuity(line) for line in lines]), abs=1e-9)


def test_astray_is_the_larger_share_of_what_is_far_from_the_median() -> None:
    night = only(noise.smooth_and_usual(200, chance(3)), "hr_mean", "rr_mean")
    night[:, NAMES.index("hr_mean")] = 60
    night[:20, NAMES.index("hr_mean")] = 91
    night[:30, NAMES.index("rr_mean")] = 40

    assert plausibility_of(night, NAMES).astray == pytest.approx(0.15)


def test_schemas_are_judged_by_what_they_have() -> None:
    night = chance().random((300, 2)).astype(np.float32)

    assert plausibility_of(night, ("hrv_rmssd", "motion_index")).is_implausible
    assert plausibility_of(night, ("delta_power", "emg_rms")) == UNJUDGED


def test_without_a_signal_every_stage_is_as_likely() -> None:
    staged = Staged(
        np.array([0, -1, 4], np.int8),
        np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]], np.float32),
        np.array([0.9, np.nan, 0.8], np.float32),
    )

    found = plausibility.undecided(staged)

    np.testing.assert_array_equal(found.stages, staged.stages)
    np.testing.assert_array_equal(found.confidence, np.float32([0.5, np.nan, 0.5]))
    np.testing.assert_array_equal(found.probabilities[:, 1], np.float32([0.5, np.nan, 0.5]))
    assert found.confidence.dtype == found.probabilities.dtype == np.float32


@pytest.mark.skipif(not settings.NOCTIS_DATA_DIR, reason="no real nights here")
def test_no_real_night_is_marked_and_each_of_them_shuffled_is() -> None:
    folders = [(source, Path(settings.NOCTIS_DATA_DIR) / source) for source in REAL]
    nights = [night.features for source, folder in folders for night in read_folder(source, folder)]
    parts = [only(night, *some) for night, some in product(nights, [HEART, BREATH, STIR])]

    marked = [plausibility_of(night, NAMES).is_implausible for night in [*nights, *parts]]
    found = [plausibility_of(chance(1).permutation(night), NAMES) for night in nights]

    assert len(nights) >= 30
    assert not any(marked)
    assert all(one.is_implausible for one in found)
