"""Simulated nights: as real ones are in what is known of those, and the same for the same seed."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from django.conf import settings

from inference.artifacts import LocalStore, loaded
from inference.engine import Night, stage_night
from mlops.agreement import Compared, Tally, report_of
from mlops.simulator.nights import SimulatedNight, simulate
from mlops.simulator.signals import STIRS_BY
from mlops.simulator.tables import DEEP, FEATURES, HEART, LIGHT, MOVEMENT, REM, TRANSITIONS, W
from recordings.schemas import ACTIVE_VERSION, SHIPPED
from recordings.stages import SHOWN, shown_places

# What real nights are within: 10, 50 and 90 %, and how far the simulated ones may be from that.
RANGES = {
    "total sleep, min": ((323, 432, 498), 40),
    "sleep efficiency, %": ((82, 91, 97), 4),
    "wake after onset, min": ((4, 21, 63), 15),
    "REM latency, min": ((60, 90, 175), 50),
    "awakenings": ((2, 15, 29), 8),
    "Light, %": ((46, 59, 71), 4),
    "Deep, %": ((6, 18, 32), 4),
    "REM, %": ((15, 24, 31), 5),
}


@pytest.fixture(scope="module")
def nights() -> list[SimulatedNight]:
    return list(simulate([(1, night) for night in range(300)]))


def statistics(stages: Sequence[int]) -> list[float]:
    """Of one night, epoch by epoch, in the order of the ranges."""
    asleep = [epoch for epoch, stage in enumerate(stages) if stage != W]
    if not asleep:
        return [0.0, 0.0] + [float("nan")] * 6
    first, last = asleep[0], asleep[-1]
    within = list(stages[first : last + 1])
    in_rem = [epoch for epoch in asleep if stages[epoch] == REM]
    awakenings = sum(now == W and before != W for before, now in pairwise(within))
    return [
        len(asleep) / 2,
        100 * len(asleep) / len(stages),
        within.count(W) / 2,
        (in_rem[0] - first) / 2 if in_rem else float("nan"),
        awakenings,
        *(100 * within.count(stage) / len(asleep) for stage in (LIGHT, DEEP, REM)),
    ]


def test_nights_are_within_the_ranges_of_real_ones(nights: list[SimulatedNight]) -> None:
    found = np.array([statistics(night.stages.tolist()) for night in nights])

    quantiles = np.nanpercentile(found, (10, 50, 90), axis=0).T

    far = {
        name: f"real {wanted}, simulated {row.round(1)}"
        for (name, (wanted, tolerance)), row in zip(RANGES.items(), quantiles, strict=True)
        if row != pytest.approx(wanted, abs=tolerance)
    }
    assert not far


def test_rem_comes_in_cycles(nights: list[SimulatedNight]) -> None:
    """Before the first period: how often light sleep turns to REM, by the minutes asleep."""
    light, turned = np.zeros(300), np.zeros(300)
    for night in nights:
        onset = int(np.argmax(night.stages != W))
        minute = np.arange(len(night.stages) - onset - 1) // 2
        before, after = night.stages[onset:-1], night.stages[onset + 1 :]
        is_first = np.cumsum(before == REM) == 0
        np.add.at(light, minute[is_first & (before == LIGHT)] % 300, 1)
        np.add.at(turned, minute[is_first & (before == LIGHT) & (after == REM)] % 300, 1)

    early, due = (turned[a:b].sum() / light[a:b].sum() for a, b in ((40, 75), (76, 115)))

    assert early < 0.1 * due


def test_a_night_is_the_same_whichever_others_are_made_beside_it() -> None:
    together = list(simulate([(7, night) for night in range(70)]))

    alone = next(simulate([(7, 66)]))

    assert alone.features.tobytes() == together[66].features.tobytes()
    assert alone.stages.tobytes() == together[66].stages.tobytes()
    assert alone.features.tobytes() != together[65].features.tobytes()


def test_every_value_is_within_what_the_device_schema_allows(nights: list[SimulatedNight]) -> None:
    features = np.concatenate([night.features for night in nights])

    assert features.dtype == np.float32
    assert features.shape[1] == len(FEATURES) == 15
    for column, feature in zip(features.T, SHIPPED[ACTIVE_VERSION], strict=True):
        known = column[~np.isnan(column)]
        assert known.size
        assert feature.minimum <= known.min(), feature.name
        assert known.max() <= feature.maximum, feature.name


def test_rows_of_the_transitions_are_distributions() -> None:
    assert TRANSITIONS.shape == (8, 4, 4)
    assert TRANSITIONS.sum(axis=2) == pytest.approx(1)
    assert TRANSITIONS[0, W] == pytest.approx([0.765, 0.234, 0, 0.001])
    assert TRANSITIONS[7, REM] == pytest.approx([0.015, 0.015, 0, 0.970])


def test_movement_and_rates_follow_the_stage(nights: list[SimulatedNight]) -> None:
    features = np.concatenate([night.features for night in nights])
    stages = np.concatenate([night.stages for night in nights])
    in_bed = features[:, FEATURES.index("in_bed_pct")] == 100
    moved = features[:, FEATURES.index("vib_move_pct")] > STIRS_BY
    spread = features[:, FEATURES.index("hr_std")]

    shares = [moved[in_bed & (stages == stage)].mean() for stage in (W, LIGHT, DEEP, REM)]
    spreads = [np.nanmedian(spread[stages == stage]) for stage in (W, LIGHT, DEEP, REM)]

    assert shares == pytest.approx(MOVEMENT, abs=0.03)
    assert spreads == pytest.approx(HEART.spread, rel=0.1)


def test_whoever_moves_goes_on_and_how_much_is_as_wrists_of_real_nights_have_it(
    nights: list[SimulatedNight],
) -> None:
    """Of W, Light, Deep, REM among 23 real nights: epochs that move at all, and for over 30 %."""
    lines = [night.features[:, FEATURES.index("vib_move_pct")] for night in nights]
    stages = np.concatenate([night.stages for night in nights])
    amount = np.concatenate(lines)
    pairs = [(line[:-1] > STIRS_BY, line[1:] > STIRS_BY) for line in map(_known, lines)]

    went_on = sum((a & b).sum() for a, b in pairs) / sum(a.sum() for a, _ in pairs)

    assert went_on == pytest.approx(0.87, abs=0.02)
    in_bed = np.concatenate([night.features[:, FEATURES.index("in_bed_pct")] for night in nights])
    for above, real in ((0, (0.93, 0.45, 0.26, 0.50)), (30, (0.35, 0.04, 0.02, 0.02))):
        known = ~np.isnan(amount) & (in_bed == 100)
        shares = [(amount[known & (stages == stage)] > above).mean() for stage in range(4)]
        assert shares == pytest.approx(real, abs=0.07)


def _known(line: np.ndarray) -> np.ndarray:
    return line[~np.isnan(line)]


def test_a_version_of_real_nights_stages_them_neither_at_chance_nor_too_easily() -> None:
    """`linear-1` knew no simulated night; what agrees better than 0.75 would be too easy."""
    model = loaded(LocalStore(settings.SHIPPED_MODELS_DIR).read("linear-1")).model
    tally = Tally.none(4)
    for night in simulate([(7, place) for place in range(20)]):
        staged = stage_night(model, Night(night.features))
        shares = staged.probabilities.astype(np.float64)
        tally += Tally.of(Compared(night.stages, shown_places(staged.stages), shares))

    found = report_of(tally, SHOWN)

    assert 0.2 < found.kappa < 0.75


def test_rates_of_neighbouring_epochs_are_alike(nights: list[SimulatedNight]) -> None:
    def correlation(name: str) -> float:
        """Within deep sleep, where the stage changes nothing."""
        column = FEATURES.index(name)
        pairs = []
        for night in nights:
            value = night.features[:, column]
            still = (night.stages[1:] == DEEP) & (night.stages[:-1] == DEEP)
            middle = np.nanmedian(value)
            close = np.abs(value - middle) < 0.3 * middle
            still &= close[1:] & close[:-1]
            pairs.append(np.stack([value[1:], value[:-1]])[:, still] - value[1:][still].mean())
        return float(np.corrcoef(np.concatenate(pairs, axis=1))[0, 1])

    assert correlation("hr_mean") == pytest.approx(0.9, abs=0.06)
    assert correlation("rr_mean") == pytest.approx(0.54, abs=0.08)


def test_a_night_has_dropouts_absences_and_misread_rates(nights: list[SimulatedNight]) -> None:
    presence = FEATURES.index("in_bed_pct")
    lost = np.array([np.isnan(night.features[:, presence]).mean() for night in nights])
    silent = np.array([np.isnan(night.features).all(axis=1).mean() for night in nights])
    absences = np.array([_bouts(night.features[:, presence] < 100) for night in nights])
    heart = [night.features[:, FEATURES.index("hr_mean")] for night in nights]
    misread = np.array([np.nanmean(_is_far(rate / np.nanmedian(rate))) for rate in heart])

    assert lost.min() >= 0.029
    assert lost.max() <= 0.151
    assert np.percentile(lost, (10, 90)) == pytest.approx((0.042, 0.138), abs=0.02)
    assert (silent > 0).all()
    # A dropout within an absence makes two of one.
    assert set(absences.tolist()) <= set(range(7))
    assert {0, 1, 2, 3} <= set(absences.tolist())
    assert 0.008 < misread.mean() < 0.03


def test_differences_are_to_the_epoch_before_and_unknown_after_a_gap() -> None:
    night = next(simulate([(3, 3)]))
    rate = night.features[:, FEATURES.index("hr_mean")]
    difference = night.features[:, FEATURES.index("dhr")]

    assert np.isnan(difference[0])
    for epoch in range(1, len(rate)):
        wanted = rate[epoch] - rate[epoch - 1]
        assert difference[epoch] == pytest.approx(wanted, abs=1e-3, nan_ok=True)


def _bouts(mask: np.ndarray) -> int:
    return int((np.diff(mask.astype(int), prepend=0) == 1).sum())


def _is_far(ratio: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(ratio), np.nan, (ratio < 0.62) | (ratio > 1.62))
