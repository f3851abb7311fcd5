"""Agreement with the truth: scikit-learn says the same, and what is undefined is None, not NaN."""

import json
import warnings
from dataclasses import asdict
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from mlops.agreement import (
    CALIBRATION_BINS,
    Compared,
    Moments,
    Report,
    Tally,
    intervals,
    limits_of,
    report_of,
)

LABELS = ("W", "Light", "Deep", "REM")
PLACES = [0, 1, 2, 3]


def night(seed: int, epochs: int = 300, skill: float = 2.0, gaps: float = 0.05) -> Compared:
    """Stages in runs, given by somebody who is right more often than not."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.integers(0, 4, epochs), rng.integers(1, 20, epochs))[:epochs]
    logits = rng.normal(size=(epochs, 4)) + skill * np.eye(4)[truth]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given = shares.argmax(1)
    # As a decoder does, which need not give the likeliest.
    given[rng.random(epochs) < 0.1] = 1
    given[rng.random(epochs) < gaps] = -1
    truth[rng.random(epochs) < gaps] = -1
    shares[given < 0] = np.nan
    return Compared(truth.astype(np.int8), given.astype(np.int8), shares)


def short(truth: list[int], given: list[int]) -> Compared:
    return Compared(np.array(truth, np.int8), np.array(given, np.int8), np.eye(4)[given])


def told(one: Compared) -> Report:
    return report_of(Tally.of(one), LABELS)


def known(one: Compared) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    both = [i for i in range(len(one.truth)) if one.truth[i] >= 0 and one.given[i] >= 0]
    return one.truth[both], one.given[both], one.probabilities[both]


# --- scikit-learn says the same ---


@pytest.mark.parametrize("seed", range(8))
def test_the_scores_are_scikit_learn_s(seed: int) -> None:
    one = night(seed, skill=seed / 4)
    truth, given, _ = known(one)

    report = told(one)

    assert report.compared_epochs == len(truth)
    assert report.confusion == metrics.confusion_matrix(truth, given, labels=PLACES).tolist()
    assert report.accuracy == pytest.approx(metrics.accuracy_score(truth, given))
    assert report.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, given))
    assert report.kappa == pytest.approx(metrics.cohen_kappa_score(truth, given))
    assert report.macro_f1 == pytest.approx(metrics.f1_score(truth, given, average="macro"))
    assert report.mcc == pytest.approx(metrics.matthews_corrcoef(truth, given))


@pytest.mark.parametrize("seed", range(4))
def test_the_scores_of_each_stage_are_scikit_learn_s(seed: int) -> None:
    one = night(seed)
    truth, given, _ = known(one)
    theirs = metrics.precision_recall_fscore_support(truth, given, labels=PLACES)
    binary = metrics.multilabel_confusion_matrix(truth, given, labels=PLACES)

    report = told(one)

    for place, label in enumerate(LABELS):
        stage = report.by_stage[label]
        ours = [stage.precision, stage.recall, stage.f1, stage.support]
        assert ours == pytest.approx([column[place] for column in theirs])
        (negatives, wrongly), _ = binary[place]
        assert stage.specificity == pytest.approx(negatives / (negatives + wrongly))


@pytest.mark.parametrize("seed", range(4))
def test_brier_is_scikit_learn_s_for_several_classes(seed: int) -> None:
    one = night(seed)
    truth, _, shares = known(one)

    theirs = metrics.brier_score_loss(truth, shares, labels=PLACES, scale_by_half=False)

    assert told(one).brier == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(4))
def test_the_calibration_curve_is_scikit_learn_s(seed: int) -> None:
    one = night(seed)
    truth, given, shares = known(one)
    confidence = shares[range(len(given)), given]
    right, mean = calibration_curve(truth == given, confidence, n_bins=CALIBRATION_BINS)

    report = told(one)

    filled = [bin_ for bin_ in report.calibration if bin_.epochs]
    assert [bin_.share_right for bin_ in filled] == pytest.approx(right.tolist())
    assert [bin_.mean_confidence for bin_ in filled] == pytest.approx(mean.tolist())
    weights = np.array([bin_.epochs for bin_ in filled]) / len(truth)
    error = float((weights * np.abs(right - mean)).sum())
    assert report.expected_calibration_error == pytest.approx(error)


@pytest.mark.parametrize(
    ("confidence", "place"), [(0.0, 0), (0.05, 0), (0.1, 0), (0.11, 1), (0.95, 9), (1.0, 9)]
)
def test_a_bin_of_calibration_is_open_below_and_closed_above(confidence: float, place: int) -> None:
    shares = np.array([[confidence, 1 - confidence, 0.0, 0.0]])
    one = Compared(np.zeros(1, np.int8), np.zeros(1, np.int8), shares)

    bins = told(one).calibration

    assert [bin_.epochs for bin_ in bins].index(1) == place
    assert bins[place].above <= confidence <= bins[place].up_to


def test_entropy_is_told_in_bits() -> None:
    shares = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4])
    one = Compared(np.zeros(3, np.int8), np.zeros(3, np.int8), shares)

    assert told(one).entropy_bits == pytest.approx((0 + 1 + 2) / 3)


# --- what is undefined ---


def nowhere_nan(report: Report) -> bool:
    return "NaN" not in json.dumps(asdict(report))


UNDEFINED = ("accuracy", "balanced_accuracy", "kappa", "macro_f1", "mcc")


@pytest.mark.parametrize(
    ("truth", "given", "undefined"),
    [
        ([], [], set(UNDEFINED)),
        ([-1, 0, -1], [0, -1, -1], set(UNDEFINED)),
        # One stage throughout, given as such: as good by chance as by skill.
        ([1, 1, 1], [1, 1, 1], {"kappa", "mcc"}),
        # One stage throughout, given as another: scikit-learn's kappa is 0 there, so is ours.
        ([1, 1, 1], [2, 2, 2], {"mcc"}),
        ([0, 1, 2, 3], [1, 1, 1, 1], {"mcc"}),
        ([1, 1, 1, 1], [0, 1, 2, 3], {"mcc"}),
        ([0, 0, 1], [0, 1, 1], set()),
    ],
)
def test_a_score_that_is_undefined_is_none(
    truth: list[int], given: list[int], undefined: set[str]
) -> None:
    report = told(short(truth, given))

    assert {name for name in UNDEFINED if getattr(report, name) is None} == undefined
    assert nowhere_nan(report)


def test_where_kappa_is_undefined_scikit_learn_says_so_too() -> None:
    for truth, given in [([1, 1, 1], [1, 1, 1]), ([1, 1, 1], [2, 2, 2]), ([0, 1], [1, 1])]:
        with warnings.catch_warnings(action="ignore"):
            theirs = metrics.cohen_kappa_score(truth, given, replace_undefined_by=np.nan)
        ours = told(short(truth, given)).kappa
        assert ours == (None if np.isnan(theirs) else pytest.approx(theirs))


def test_a_stage_that_is_absent_has_no_recall_and_one_never_given_no_precision() -> None:
    report = told(short([0, 0, 1, 1], [0, 1, 1, 2]))

    deep, rem, wake = (report.by_stage[label] for label in ("Deep", "REM", "W"))
    assert (deep.recall, deep.precision, deep.f1, deep.support) == (None, 0.0, 0.0, 0)
    assert (rem.recall, rem.precision, rem.f1, rem.specificity) == (None, None, None, 1.0)
    assert wake.specificity == 1.0
    # Macro-F1 is over W, Light and Deep, as scikit-learn has it; recall is over W and Light.
    theirs = metrics.f1_score([0, 0, 1, 1], [0, 1, 1, 2], average="macro")
    assert report.macro_f1 == pytest.approx(theirs)
    assert report.balanced_accuracy == 0.5


def test_of_one_stage_throughout_no_specificity_can_be_told() -> None:
    report = told(short([1, 1], [1, 0]))

    assert report.by_stage["Light"].specificity is None
    assert report.by_stage["W"].specificity == 0.5


def test_where_no_probabilities_were_given_nothing_is_said_of_them() -> None:
    one = Compared(np.array([0, 1], np.int8), np.array([0, 1], np.int8), np.full((2, 4), np.nan))

    report = told(one)

    assert (report.brier, report.entropy_bits, report.expected_calibration_error) == (None,) * 3
    assert report.accuracy == 1.0
    assert [bin_.share_right for bin_ in report.calibration] == [None] * CALIBRATION_BINS


# --- transitions ---


def test_transitions_are_counted_between_neighbours_that_both_know() -> None:
    one = short([0, 1, 1, -1, 2, 3], [0, 0, 1, 1, 3, 3])

    report = told(one)

    assert slow_transitions([0, 1, 1, -1, 2, 3], {3}) == report.truth_transitions
    assert slow_transitions([0, 0, 1, 1, 3, 3], {3}) == report.predicted_transitions


def slow_transitions(line: list[int], lost: set[int]) -> list[list[int]]:
    counts = [[0] * 4 for _ in PLACES]
    for place in range(len(line) - 1):
        if place not in lost and place + 1 not in lost:
            counts[line[place]][line[place + 1]] += 1
    return counts


def test_no_transition_leads_from_one_recording_into_the_next() -> None:
    evening, morning = short([0, 0], [0, 0]), short([3, 3], [3, 3])

    both = Tally.of(evening) + Tally.of(morning)

    assert both.truth_transitions.sum() == 2
    assert both.truth_transitions[0, 3] == 0


# --- adding up ---


def flat(thing: Any) -> list[float]:
    if isinstance(thing, dict):
        return [number for value in thing.values() for number in flat(value)]
    if isinstance(thing, list):
        return [number for value in thing for number in flat(value)]
    return [-9.0 if thing is None else thing]


def test_nights_add_up_to_the_scores_of_all_their_epochs_at_once() -> None:
    nights = [night(seed, epochs=100 + seed) for seed in range(12)]
    # A gap between two nights, so that no transition is made up in the long one.
    gap = Compared(np.full(1, -1, np.int8), np.full(1, -1, np.int8), np.full((1, 4), np.nan))
    parts = [part for one in nights for part in (one, gap)]
    long = Compared(
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.given for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    )

    summed = reduce(add, map(Tally.of, nights), Tally.none(4))

    assert flat(asdict(report_of(summed, LABELS))) == pytest.approx(flat(asdict(told(long))))
    assert summed.nights == 12


def test_kappa_and_f1_are_also_kept_by_night() -> None:
    nights = [night(seed, skill=seed / 3) for seed in range(5)]
    reports = [told(one) for one in nights]

    summed = reduce(add, map(Tally.of, [*nights, short([], [])]))

    kappas, f1s = ([getattr(r, name) for r in reports] for name in ("kappa", "macro_f1"))
    assert summed.by_night.count.tolist() == [5, 5]
    assert summed.by_night.means.tolist() == pytest.approx([np.mean(kappas), np.mean(f1s)])
    spread = [np.std(kappas, ddof=1), np.std(f1s, ddof=1)]
    assert summed.by_night.deviations.tolist() == pytest.approx(spread)


def test_a_tally_of_many_nights_is_no_larger_than_of_one() -> None:
    one = Tally.of(night(1), resamples=50)

    many = reduce(add, (Tally.of(night(seed), key=seed, resamples=50) for seed in range(30)))

    shapes = [{k: getattr(v, "shape", ()) for k, v in vars(t).items()} for t in (one, many)]
    assert shapes[0] == shapes[1]


# --- bias with limits ---


def test_bias_and_limits_are_bland_and_altman_s() -> None:
    rng = np.random.default_rng(3)
    differences = rng.normal((5, -300), (10, 1), (40, 2))
    differences[rng.random(differences.shape) < 0.2] = np.nan

    limits = limits_of(reduce(add, map(Moments.of, differences), Moments.none(2)), ["tst", "sol"])

    for name, column in zip(("tst", "sol"), differences.T, strict=True):
        said = column[~np.isnan(column)]
        bias, spread = said.mean(), said.std(ddof=1)
        assert limits[name].nights == len(said)
        ours = [limits[name].bias, limits[name].standard_deviation]
        assert ours == pytest.approx([bias, spread])
        reach = [limits[name].lower_limit, limits[name].upper_limit]
        assert reach == pytest.approx([bias - 1.96 * spread, bias + 1.96 * spread])


def test_a_small_spread_far_from_zero_is_not_lost_in_the_sum() -> None:
    values = 1e9 + np.array([0.0, 0.5, 1.0])

    summed = reduce(add, (Moments.of(np.array([value])) for value in values))

    assert summed.deviations[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("values", "bias"), [([], None), ([np.nan], None), ([4.0], 4.0)])
def test_below_two_nights_there_are_no_limits(values: list[float], bias: float | None) -> None:
    summed = reduce(add, (Moments.of(np.array([value])) for value in values), Moments.none(1))

    limits = limits_of(summed, ["tst"])["tst"]

    assert limits.bias == bias
    assert (limits.standard_deviation, limits.lower_limit, limits.upper_limit) == (None,) * 3


# --- intervals over nights ---


def drawn(nights: list[Compared], resamples: int) -> Tally:
    numbered = enumerate(nights)
    return reduce(add, (Tally.of(one, key=key, resamples=resamples) for key, one in numbered))


def test_the_interval_is_that_of_drawing_whole_nights_again_and_again() -> None:
    nights = [night(seed, skill=0.5 + seed % 5) for seed in range(40)]
    rng = np.random.default_rng(0)
    slow = []
    for _ in range(400):
        again = [known(nights[i]) for i in rng.integers(0, 40, 40)]
        truth, given = (np.concatenate([one[part] for one in again]) for part in (0, 1))
        slow.append(metrics.cohen_kappa_score(truth, given))

    summed = drawn(nights, 2_000)
    low, high = intervals(summed.resampled, summed.nights)["kappa"]

    assert (low, high) == pytest.approx(tuple(np.percentile(slow, [2.5, 97.5])), abs=0.02)
    kappa = report_of(summed, LABELS).kappa
    assert low < kappa < high
    # Epochs of a night are alike: drawn one by one they would promise far too much.
    naive = np.sqrt(kappa * (1 - kappa) / summed.confusion.sum())
    assert high - low > 4 * naive


def test_an_interval_is_the_same_in_any_order_and_every_time() -> None:
    nights = [night(seed) for seed in range(6)]
    tallies = [Tally.of(one, key=key, resamples=200) for key, one in enumerate(nights)]

    forth, back = (reduce(add, order) for order in (tallies, tallies[::-1]))

    assert np.array_equal(forth.resampled, back.resampled)
    assert intervals(forth.resampled, 6) == intervals(drawn(nights, 200).resampled, 6)


@pytest.mark.parametrize("nights", [[], [night(1)], [short([1], [1]), short([1], [1])]])
def test_where_no_interval_can_be_told_it_is_none(nights: list[Compared]) -> None:
    numbered = enumerate(nights)
    tallies = (Tally.of(one, key=key, resamples=50) for key, one in numbered)
    summed = reduce(add, tallies, Tally.none(4, resamples=50))

    assert intervals(summed.resampled, summed.nights)["kappa"] == (None, None)
