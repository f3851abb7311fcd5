"""Answers side by side: counts that add up in any order, against slow and obvious twins."""

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from mlops.comparison import (
    FEWEST_NIGHTS,
    MOST_DIFFERENT,
    Line,
    NightCounts,
    Totals,
    count_night,
    difference_of,
    judged,
    told,
)
from recordings.stages import SHOWN

NAMES = {"a": "one", "b": "other"}
PAIRS = [("a", "truth"), ("b", "truth"), ("a", "b")]


def line(seed: int, epochs: int = 200, gap: int = 0) -> Line:
    drawn = np.random.default_rng(seed)
    shares = drawn.dirichlet(np.ones(4), epochs)
    stages = shares.argmax(axis=1).astype(np.int8)
    stages[:gap] = -1
    shares[:gap] = np.nan
    return Line(stages, shares, 1_000 * seed)


def night(seed: int) -> dict[str, Line]:
    truth = Line(line(10 * seed).stages)
    return {"a": line(10 * seed + 1, gap=3), "b": line(10 * seed + 2), "truth": truth}


def added(seeds: list[int]) -> Totals:
    totals = Totals(("a", "b", "truth"), PAIRS, ("a", "b"))
    for seed in seeds:
        totals.add(count_night(night(seed), PAIRS), name=f"night {seed}", unit=seed)
    return totals


def test_scores_are_those_of_all_epochs_together() -> None:
    nights = [night(seed) for seed in range(1, 8)]

    pair = told(added([*range(1, 8)]))["pairs"]["a against truth"]

    given = np.concatenate([one["a"].stages[3:] for one in nights])
    truth = np.concatenate([one["truth"].stages[3:] for one in nights])
    assert pair["epochs"] == len(truth) == 7 * 197
    assert pair["kappa"] == pytest.approx(cohen_kappa_score(truth, given))
    expected = f1_score(truth, given, average=None)
    assert [*pair["by_stage"]["f1"].values()] == pytest.approx(list(expected))


def test_calibration_is_the_gap_between_sure_and_right() -> None:
    totals = added([1, 2, 3])

    pair = told(totals)["pairs"]["b against truth"]

    gaps, count = np.zeros(10), 0
    for seed in (1, 2, 3):
        lines = night(seed)
        for truth, shares in zip(lines["truth"].stages, lines["b"].shares, strict=True):
            sure = shares.max()
            gaps[max(int(np.ceil(sure * 10)) - 1, 0)] += (shares.argmax() == truth) - sure
            count += 1
    assert pair["expected_calibration_error"] == pytest.approx(np.abs(gaps).sum() / count)


def test_the_order_of_nights_is_no_matter() -> None:
    one, other = (told(added(seeds))["pairs"]["a against b"] for seeds in ([1, 2, 3], [3, 1, 2]))

    assert one["confusion"] == other["confusion"]
    assert one["kappa_interval"] == other["kappa_interval"]
    assert one["expected_calibration_error"] == pytest.approx(other["expected_calibration_error"])


def test_a_night_kept_as_json_counts_as_it_did() -> None:
    counts = count_night(night(1), PAIRS)

    assert NightCounts.read(json.loads(json.dumps(counts.as_json))) == counts


def test_a_line_that_is_not_there_makes_no_pair() -> None:
    lines = night(1)
    del lines["truth"]

    counts = count_night(lines, PAIRS)

    assert list(counts.confusion) == ["a against b"]


def test_minutes_count_what_has_no_stage_apart() -> None:
    found = told(added([1]))["lines"]["a"]

    assert found["unstaged_minutes"] == 1.5
    assert sum(found["minutes"].values()) == pytest.approx(98.5)
    assert sum(found["share"].values()) == pytest.approx(1)
    assert found["latency_ms"] == {"p50": 11.0, "p95": 11.0}


def test_the_most_different_nights_come_first_and_are_few() -> None:
    seeds = [*range(1, 20)]
    agreed = sorted(
        np.mean(night(seed)["a"].stages[3:] == night(seed)["b"].stages[3:]) for seed in seeds
    )

    found = added(seeds).most_different

    assert [one.agreement for one in found] == pytest.approx(agreed[:MOST_DIFFERENT])


def test_nights_on_which_both_agree_are_not_different() -> None:
    same = line(1)
    totals = Totals(("a", "b"), [("a", "b")], ("a", "b"))

    totals.add(count_night({"a": same, "b": same}, [("a", "b")]), name="night", unit=1)

    assert totals.most_different == []


def test_a_version_is_no_better_than_itself() -> None:
    truth = Line(line(5).stages)
    totals = Totals(("a", "b", "truth"), PAIRS, ("a", "b"))
    for seed in range(4):
        same = line(seed)
        counts = count_night({"a": same, "b": same, "truth": truth}, PAIRS)
        totals.add(counts, name=str(seed), unit=seed)

    found = difference_of(totals, ("a", "truth"), ("b", "truth"))

    assert found == {"kappa": 0.0, "interval": [0.0, 0.0], "units": 4}
    assert judged(found, NAMES)["verdict"] == "unknown"


def test_a_better_version_is_better_beyond_chance() -> None:
    totals = Totals(("a", "b", "truth"), PAIRS, ("a", "b"))
    for seed in range(20):
        truth = line(seed, 300).stages
        drawn = np.random.default_rng(seed).random((2, 300))
        wrong = ((truth + 1) % len(SHOWN)).astype(np.int8)
        lines = {
            "a": Line(np.where(drawn[0] < 0.8, truth, wrong)),
            "b": Line(np.where(drawn[1] < 0.6, truth, wrong)),
            "truth": Line(truth),
        }
        totals.add(count_night(lines, PAIRS), name=str(seed), unit=seed)

    found = judged(difference_of(totals, ("a", "truth"), ("b", "truth")), NAMES)

    low, high = found["interval"]
    assert 0.15 < low < high < 0.4
    assert (found["verdict"], found["says"]) == ("a", "one is better.")


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [([0.1, 0.2], "a"), ([-0.2, -0.1], "b"), ([-0.1, 0.2], "neither"), ([0.0, 0.0], "neither")],
)
@pytest.mark.parametrize("nights", [FEWEST_NIGHTS, FEWEST_NIGHTS - 1, 1, 0])
def test_below_a_floor_of_nights_nobody_is_better(
    interval: list[float], verdict: str, nights: int
) -> None:
    found = judged({"kappa": 0.1, "interval": interval, "units": nights}, NAMES)

    if nights < FEWEST_NIGHTS:
        verdict, interval = "unknown", [None, None]
        assert "cannot be told yet" in found["says"]
        assert f"it takes {FEWEST_NIGHTS}" in found["says"]
    assert (found["verdict"], found["interval"]) == (verdict, interval)


def equals(seed: int, nights: int) -> Totals:
    """Two versions that are equally good, on nights that suit now the one and now the other."""
    drawn = np.random.default_rng(seed)
    totals = Totals(("a", "b", "truth"), PAIRS, ("a", "b"))
    for night in range(nights):
        truth = drawn.integers(0, len(SHOWN), 60).astype(np.int8)
        lines = {"truth": Line(truth)}
        for name in ("a", "b"):
            is_right = drawn.random(60) < np.clip(drawn.normal(0.75, 0.08), 0.3, 0.97)
            lines[name] = Line(np.where(is_right, truth, (truth + 1) % len(SHOWN)).astype(np.int8))
        totals.add(count_night(lines, PAIRS), name=str(night), unit=night)
    return totals


def test_why_there_is_a_floor() -> None:
    """Of few nights the interval leaves nought out far too often though there is no difference."""

    def wrong(nights: int) -> float:
        intervals = [
            difference_of(equals(seed, nights), ("a", "truth"), ("b", "truth"))["interval"]
            for seed in range(100)
        ]
        return float(np.mean([low > 0 or high < 0 for low, high in intervals]))

    assert wrong(2) > 0.3
    assert wrong(FEWEST_NIGHTS) < 0.2


def test_one_night_has_no_interval() -> None:
    found = told(added([1]))["pairs"]["a against truth"]

    assert found["kappa"] is not None
    assert found["kappa_interval"] == [None, None]


def test_nothing_added_says_nothing() -> None:
    found = told(added([]))

    assert found["nights"] == 0
    assert found["pairs"]["a against b"]["kappa"] is None
    assert found["lines"]["a"]["share"] == dict.fromkeys(SHOWN)
