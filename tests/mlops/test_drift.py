"""Drift: each measure against a slow or a known one, and how often a whole run is wrong."""

import numpy as np
import pytest
from scipy import stats

from mlops.drift import Nights, Sketch, Thresholds, compare, is_alarm, measures, sketch_of
from mlops.drift.comparison import Severity
from mlops.drift.reference import Reference, UnfitReference
from tests.mlops.drifting import FEATURES, LABELS, Drawn, Fleet, drawn, reference

RUNS = 20


def one_night(values: np.ndarray, told: Reference | None = None) -> Sketch:
    stages = np.zeros(len(values), np.int64)
    return sketch_of(told or reference(), values, stages, np.full(len(values), 0.8, np.float32))


def test_a_sketch_counts_what_a_loop_counts() -> None:
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (50, len(FEATURES))).astype(np.float32)
    values[random.random(values.shape) < 0.2] = np.nan
    told = reference()

    sketch = one_night(values, told)

    for column in range(len(FEATURES)):
        known = [float(value) for value in values[:, column] if not np.isnan(value)]
        slow = [0] * 10
        for value in known:
            slow[sum(value > edge for edge in told.edges[column])] += 1
        assert sketch.counts[column].tolist() == slow
        assert sketch.known[column] == len(known)
        assert sketch.total[column] == pytest.approx(sum(known))
        assert sketch.squares[column] == pytest.approx(sum(value**2 for value in known))


def test_an_epoch_without_a_stage_counts_towards_no_stage_and_no_confidence() -> None:
    values = np.zeros((4, len(FEATURES)), np.float32)

    sketch = sketch_of(
        reference(), values, np.array([0, -1, 3, 3]), np.array([0.5, np.nan, 0.7, 0.9], np.float32)
    )

    assert sketch.stages.tolist() == [1, 0, 0, 2]
    assert sketch.confidence == pytest.approx(0.7)


def test_ks_and_its_p_agree_with_scipys() -> None:
    random = np.random.default_rng(3)
    one, two = random.normal(0.4, 1, 60), random.normal(0, 1, 90)
    both, is_current = np.concatenate([one, two]), np.arange(150) < 60

    gap = measures.ks(one[:, None], two[:, None])[0]
    p = measures.permuted_p(both[:, None], is_current, np.zeros(150, np.int64), seed=0)[0]

    known = stats.ks_2samp(one, two)
    assert gap == pytest.approx(known.statistic)
    assert p == pytest.approx(known.pvalue, abs=0.03)


def test_jensen_shannon_psi_and_kl_agree_with_their_sums() -> None:
    one, two = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])
    middle = (one + two) / 2

    apart = float(measures.jensen_shannon(one, two))
    index = float(measures.psi(one, two, (1e12, 1e12)))
    divergence = measures.kl(one, two, (10**9, 10**9))

    halves = [sum(side * np.log2(side / middle)) for side in (one, two)]
    assert apart == pytest.approx(sum(halves) / 2)
    assert index == pytest.approx(sum((one - two) * np.log(one / two)))
    assert divergence == pytest.approx(sum(one * np.log(one / two)), abs=1e-6)


def test_what_chance_adds_to_psi_is_taken_off() -> None:
    random = np.random.default_rng(7)
    shares = np.full(10, 0.1)
    sides = [
        (random.multinomial(400, shares) / 400, random.multinomial(800, shares) / 800)
        for _ in range(200)
    ]

    as_found = [float(measures.psi(*side, (10**12, 10**12))) for side in sides]
    corrected = [float(measures.psi(*side, (400, 800))) for side in sides]

    assert np.mean(as_found) == pytest.approx(9 * (1 / 400 + 1 / 800), rel=0.1)
    assert np.mean(corrected) < 0.01


def test_benjamini_hochberg_agrees_with_scipys() -> None:
    p = np.array([0.001, 0.04, 0.03, 0.2, 0.9])

    adjusted = measures.benjamini_hochberg(np.append(p, np.nan))

    assert adjusted[:-1] == pytest.approx(stats.false_discovery_control(p))
    assert np.isnan(adjusted[-1])


def test_devices_that_differ_are_no_drift_when_more_of_one_are_new() -> None:
    """The mix of devices changes, no device does: nights are relabelled within their device."""
    random = np.random.default_rng(2)
    device = np.repeat([0, 1], 40)
    values = random.normal(0, 0.1, 80) + device * 5.0
    is_current = np.concatenate([np.arange(40) < 8, np.arange(40) < 32])

    within = measures.permuted_p(values[:, None], is_current, device, seed=1)[0]
    across = measures.permuted_p(values[:, None], is_current, np.zeros(80, np.int64), seed=1)[0]

    assert within > 0.05
    assert across < 0.05


def test_a_fleet_of_other_devices_is_neither_an_alarm_nor_all_clear() -> None:
    fleet = drawn(Fleet(devices=2, epochs=30, shift=5.0), seed=3)
    others = Nights(**(vars(fleet.current) | {"device": fleet.current.device + 100}))

    found = compare(reference(), others, fleet.baseline)

    assert (found.severity, found.nights) == (Severity.INSUFFICIENT, (0, 0))
    assert found.left_out == (28, 56)


def test_too_few_nights_are_neither_an_alarm_nor_all_clear() -> None:
    few = drawn(Fleet(devices=1, before=28, after=9, shift=5.0), seed=1)

    found = compare(reference(), few.current, few.baseline)

    assert found.severity == Severity.INSUFFICIENT
    assert found.flagged == []


def test_without_drift_few_runs_are_wrong() -> None:
    found = [judged(drawn(Fleet(epochs=60), seed)) for seed in range(RUNS)]

    assert sum(severity != Severity.LOW for severity, _ in found) <= 0.07 * RUNS


def test_half_a_standard_deviation_is_found_and_named() -> None:
    found = [judged(drawn(Fleet(epochs=60, shift=0.5), seed)) for seed in range(RUNS)]

    assert sum(FEATURES[0] in names for _, names in found) >= 0.95 * RUNS
    assert sum(len(names) > 1 for _, names in found) <= 0.1 * RUNS


def test_a_test_on_raw_epochs_cries_wolf() -> None:
    """Why nights are the unit: epochs hang together, and thousands of them are no sample."""
    alarms = [
        stats.ks_2samp(*drawn(Fleet(devices=3, epochs=60), seed).raw).pvalue < 0.05
        for seed in range(10)
    ]

    assert sum(alarms) >= 5


def test_a_sensor_that_fell_silent_is_flagged() -> None:
    fleet = drawn(Fleet(devices=2, epochs=30), seed=4)
    counts = fleet.current.counts.copy()
    counts[:, 3] = 0
    silent = Nights(**(vars(fleet.current) | {"counts": counts}))

    found = compare(reference(), silent, fleet.baseline)

    assert [row.name for row in found.flagged] == [FEATURES[3]]
    assert found.flagged[0].missing == (1.0, 0.0)
    assert found.severity == Severity.HIGH


def test_another_mix_of_stages_is_found() -> None:
    fleet = drawn(Fleet(devices=4, epochs=60), seed=5)
    stages = np.tile([60, 0, 0, 0], (len(fleet.current), 1))
    awake = Nights(**(vars(fleet.current) | {"stages": stages}))

    found = compare(reference(), awake, fleet.baseline)

    assert found.stage_kl is not None
    assert found.stage_kl > 0.1
    assert found.severity == Severity.HIGH


def test_the_threshold_is_what_severity_is_counted_in() -> None:
    fleet = drawn(Fleet(epochs=30, shift=0.5), seed=6)

    strict = compare(reference(), fleet.current, fleet.baseline)
    lax = compare(reference(), fleet.current, fleet.baseline, Thresholds(psi=100, z=100))

    assert (strict.severity, lax.severity) == (Severity.HIGH, Severity.LOW)


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        ([Severity.HIGH], False),
        ([Severity.HIGH, Severity.LOW, Severity.MEDIUM], True),
        ([Severity.HIGH, Severity.INSUFFICIENT, Severity.LOW, Severity.HIGH], False),
        ([Severity.LOW, Severity.HIGH, Severity.HIGH], True),
    ],
)
def test_two_of_the_last_three_runs_make_an_alarm(
    newest_first: list[Severity], expected: bool
) -> None:
    assert is_alarm(newest_first) is expected


def test_a_reference_that_lacks_a_feature_is_refused() -> None:
    with pytest.raises(UnfitReference):
        Reference.read({"features": {}, "stages": {}, "nights": 1}, FEATURES, LABELS)


HUGE = 10**400  # JSON has it; no float does
FITTING = {"edges": [1.0], "shares": [0.5, 0.5], "night_mean": 1.0, "night_spread": 1.0}


@pytest.mark.parametrize(
    "odd",
    [
        {"edges": [HUGE]},
        {"shares": [HUGE]},
        {"night_mean": HUGE},
        {"night_spread": HUGE},
        {"edges": ["1", {}]},
        {"edges": None},
        {"edges": 3},
        {"night_mean": [1.0]},
        {"night_spread": [[1.0], [2.0]]},
        {"night_mean": {}},
    ],
)
def test_a_reference_of_what_is_no_number_is_refused(odd: dict[str, object]) -> None:
    told = dict.fromkeys(FEATURES, FITTING) | {FEATURES[0]: FITTING | odd}
    stages = dict.fromkeys(LABELS, 0.25)

    with pytest.raises(UnfitReference):
        Reference.read({"features": told, "stages": stages, "nights": 1}, FEATURES, LABELS)


@pytest.mark.parametrize(
    "odd",
    [
        {"nights": HUGE},
        {"nights": [1]},
        {"stages": dict.fromkeys(LABELS, HUGE)},
        {"stages": {label: [0.5] for label in LABELS}},
        {"stages": list(LABELS)},
        {"features": None},
        {"features": dict.fromkeys(FEATURES, "edges")},
    ],
)
def test_a_reference_of_another_shape_is_refused(odd: dict[str, object]) -> None:
    whole = {
        "features": dict.fromkeys(FEATURES, FITTING),
        "stages": dict.fromkeys(LABELS, 0.25),
        "nights": 1,
    }
    assert Reference.read(whole, FEATURES, LABELS).nights == 1

    with pytest.raises(UnfitReference):
        Reference.read(whole | odd, FEATURES, LABELS)


def judged(fleet: Drawn) -> tuple[Severity, list[str]]:
    found = compare(reference(), fleet.current, fleet.baseline)
    return found.severity, [row.name for row in found.flagged]
