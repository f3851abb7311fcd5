"""Night statistics: a night worked by hand, a slow obvious twin, and what a gap hides."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from inference.statistics import Sleep, laid_out, night_statistics

AT = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
CODES = {"?": -1, "W": 0, "1": 1, "2": 2, "D": 3, "R": 4, "L": 5}
OF_SLEEP = {field.name for field in fields(Sleep)}


def coded(letters: str) -> np.ndarray:
    """W, N1, N2, L(ight), D(eep), R(EM), ? for unknown."""
    return np.array([CODES[letter] for letter in letters.replace(" ", "")], np.int8)


def told(letters: str) -> dict[str, Any]:
    return night_statistics(coded(letters), AT).as_json


def same_but(letters: str, gapped: str) -> set[str]:
    """What becomes null when some epochs of a night are lost."""
    whole, less = told(letters), told(gapped)
    return {name for name in whole if whole[name] is not None and less[name] is None}


# --- the slow obvious twin: one epoch after the other ---


def at(epoch: float) -> str:
    return (AT + timedelta(seconds=30 * epoch)).isoformat().replace("+00:00", "Z")


def slow(codes: list[int]) -> dict[str, Any]:
    stages = [{-1: -1, 0: 0, 3: 2, 4: 3}.get(code, 1) for code in codes]
    names = ("W", "Light", "Deep", "REM")
    staged = [stage for stage in stages if stage != -1]
    asleep = [place for place, stage in enumerate(stages) if stage > 0]
    answer: dict[str, Any] = dict.fromkeys(OF_SLEEP) | {
        "covers": {"from": at(0), "to": at(len(stages)), "epochs": len(stages)},
        "time_in_bed_min": len(stages) / 2,
        "unknown_min": stages.count(-1) / 2,
        "coverage_pct": 100 * len(staged) / len(stages) if stages else None,
        "total_sleep_time_min": len(asleep) / 2,
        "sleep_efficiency_pct": 100 * len(asleep) / len(staged) if staged else None,
        "longest_sleep_min": slow_longest(stages) / 2,
        "minutes_by_stage": {name: stages.count(i) / 2 for i, name in enumerate(names)},
        "percent_of_sleep": {
            name: 100 * stages.count(i) / len(asleep) if asleep else None
            for i, name in enumerate(names)
            if i > 0
        },
    }
    return answer | slow_sleep(stages, asleep[0], asleep[-1]) if asleep else answer


def slow_sleep(stages: list[int], first: int, last: int) -> dict[str, Any]:
    before, within, after = stages[:first], stages[first : last + 1], stages[last + 1 :]
    slept = sum(stage > 0 for stage in within)
    answer = slow_changes(within) | {
        "wake_after_sleep_onset_min": within.count(0) / 2,
        "unknown_before_sleep_min": before.count(-1) / 2,
        "unknown_within_sleep_min": within.count(-1) / 2,
        "unknown_after_sleep_min": after.count(-1) / 2,
    }
    answer["awakenings_per_hour"] = answer["awakenings"] / (slept / 120)
    if -1 not in before:
        answer["sleep_onset_latency_min"] = first / 2
        answer["first_sleep_at"] = at(first)
        since_onset = stages[first:]
        if 3 in since_onset and -1 not in since_onset[: since_onset.index(3)]:
            answer["rem_latency_min"] = since_onset.index(3) / 2
    if -1 not in after:
        answer["terminal_wake_min"] = len(after) / 2
        answer["last_sleep_at"] = at(last + 1)
    if -1 not in before + after:
        answer["mid_sleep_at"] = at((first + last + 1) / 2)
    return answer


def slow_changes(within: list[int]) -> dict[str, Any]:
    awakenings = shifts = 0
    previous = within[0]
    for stage in within:
        if stage != -1:
            shifts += stage != previous
            awakenings += stage == 0 and previous != 0
            previous = stage
    return {"awakenings": awakenings, "stage_shifts": shifts}


def slow_longest(stages: list[int]) -> int:
    longest = run = 0
    for stage in stages:
        run = run + 1 if stage > 0 else 0
        longest = max(longest, run)
    return longest


# --- by hand ---


# 10 min awake, 20 light, 15 deep, 5 light, 2 awake, 8 light, 10 REM, 3 light, 1 awake,
# 6 light, 0.5 awake, 9.5 REM, 5 awake: 95 minutes, 190 epochs.
BY_HAND = [(20, "W"), (40, "L"), (30, "D"), (10, "L"), (4, "W"), (16, "L"), (20, "R"), (6, "L")]
BY_HAND += [(2, "W"), (12, "L"), (1, "W"), (19, "R"), (10, "W")]


def test_a_night_worked_by_hand() -> None:
    answer = told("".join(count * letter for count, letter in BY_HAND))

    assert answer == {
        "covers": {"from": "2026-03-01T22:00:00Z", "to": "2026-03-01T23:35:00Z", "epochs": 190},
        "time_in_bed_min": 95.0,
        "unknown_min": 0.0,
        "coverage_pct": 100.0,
        # light 20 + 5 + 8 + 3 + 6 = 42, deep 15, REM 10 + 9.5 = 19.5
        "total_sleep_time_min": 76.5,
        "sleep_efficiency_pct": pytest.approx(80.526_315_789),
        "sleep_onset_latency_min": 10.0,
        # from minute 10 to minute 60
        "rem_latency_min": 50.0,
        "wake_after_sleep_onset_min": 3.5,
        "terminal_wake_min": 5.0,
        "awakenings": 3,
        # 3 in 1.275 hours of sleep
        "awakenings_per_hour": pytest.approx(2.352_941_176),
        # of the 13 runs, those from the second light to the last REM
        "stage_shifts": 10,
        # the first 20 + 15 + 5
        "longest_sleep_min": 40.0,
        "minutes_by_stage": {"W": 18.5, "Light": 42.0, "Deep": 15.0, "REM": 19.5},
        "percent_of_sleep": {
            "Light": pytest.approx(54.901_960_784),
            "Deep": pytest.approx(19.607_843_137),
            "REM": pytest.approx(25.490_196_078),
        },
        "first_sleep_at": "2026-03-01T22:10:00Z",
        "last_sleep_at": "2026-03-01T23:30:00Z",
        "mid_sleep_at": "2026-03-01T22:50:00Z",
        "unknown_before_sleep_min": 0.0,
        "unknown_within_sleep_min": 0.0,
        "unknown_after_sleep_min": 0.0,
    }


def test_the_parts_of_a_whole_night_add_up_as_the_aasm_has_it() -> None:
    answer = told("WWW LLDDLRRWWLLRWLL WWWW")

    # The AASM's own WASO is recording time less onset latency less sleep: terminal wake included.
    aasm_waso = answer["wake_after_sleep_onset_min"] + answer["terminal_wake_min"]
    parts = answer["sleep_onset_latency_min"] + answer["total_sleep_time_min"] + aasm_waso
    assert parts == answer["time_in_bed_min"]


@pytest.mark.parametrize("seed", range(40))
def test_any_night_is_told_as_the_slow_loop_tells_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet([0.3 + 0.2 * (seed % 3)] * 7)
    stages = rng.choice(np.arange(-1, 6), size=rng.integers(0, 60), p=weights).astype(np.int8)

    answer = night_statistics(stages, AT).as_json

    assert answer == slow(stages.tolist())


def test_every_night_of_five_epochs_is_told_as_the_slow_loop_tells_it() -> None:
    nights = np.stack(np.meshgrid(*[np.array([-1, 0, 2, 3, 4])] * 5), -1).reshape(-1, 5)

    wrong = [s for s in nights if night_statistics(s, AT).as_json != slow(s.tolist())]

    assert wrong == []


def test_n1_and_n2_are_light_sleep_and_no_shift_lies_between_them() -> None:
    assert told("W 1122 DD 21 R W") == told("W LLLL DD LL R W")


def test_the_first_epoch_of_any_sleep_is_the_onset() -> None:
    assert told("WWRWWLLL")["sleep_onset_latency_min"] == 1.0
    assert told("WWRWWLLL")["rem_latency_min"] == 0.0


# --- gaps ---


def test_a_gap_is_neither_wake_nor_sleep() -> None:
    answer = told("WW LLL ???? LLL W")

    assert answer["unknown_min"] == 2.0
    assert answer["total_sleep_time_min"] == 3.0
    assert answer["wake_after_sleep_onset_min"] == 0.0
    assert answer["awakenings"] == 0
    assert answer["longest_sleep_min"] == 1.5
    assert answer["minutes_by_stage"] == {"W": 1.5, "Light": 3.0, "Deep": 0.0, "REM": 0.0}
    assert answer["sleep_efficiency_pct"] == pytest.approx(100 * 6 / 9)


ONSET = {"sleep_onset_latency_min", "first_sleep_at", "rem_latency_min", "mid_sleep_at"}
END = {"terminal_wake_min", "last_sleep_at", "mid_sleep_at"}


@pytest.mark.parametrize(
    ("gapped", "unknowable"),
    [
        ("?WW LLD W LRL WW", ONSET),
        ("WW? LLD W LRL WW", ONSET),
        ("WWW ?LD W LRL WW", ONSET),
        ("WWW L?D W LRL WW", {"rem_latency_min"}),
        ("WWW LLD W L?L WW", {"rem_latency_min"}),
        ("WWW LLD W LR? WW", END),
        ("WWW LLD W LRL W?", END),
        ("?WW LLD W LRL W?", ONSET | END),
    ],
)
def test_a_gap_takes_the_places_that_it_could_move_and_no_others(
    gapped: str, unknowable: set[str]
) -> None:
    assert same_but("WWW LLD W LRL WW", gapped) == unknowable


def test_a_gap_after_the_first_rem_leaves_its_latency_known() -> None:
    assert told("W LLR ? RL W")["rem_latency_min"] == 1.0


def test_a_gap_can_only_add_to_an_amount() -> None:
    """Whatever the lost epochs were, the amounts are at least what was told without them."""
    gapped = coded("W?LL?WW?RD?W")
    lost = np.flatnonzero(gapped < 0)
    amounts = ("total_sleep_time_min", "wake_after_sleep_onset_min", "awakenings", "stage_shifts")
    least = night_statistics(gapped, AT).as_json
    truths = np.stack(np.meshgrid(*[np.array([0, 5, 3, 4])] * len(lost)), -1).reshape(-1, len(lost))

    possible = []
    for truth in truths:
        night = gapped.copy()
        night[lost] = truth
        possible.append(night_statistics(night, AT).as_json)

    for name in (*amounts, "longest_sleep_min"):
        assert min(night[name] for night in possible) >= least[name], name
    slept = [night["total_sleep_time_min"] for night in possible]
    assert (min(slept), max(slept)) == (
        least["total_sleep_time_min"],
        least["total_sleep_time_min"] + least["unknown_min"],
    )
    shares = [night["sleep_efficiency_pct"] for night in possible]
    assert min(shares) <= least["sleep_efficiency_pct"] <= max(shares)
    assert {night["awakenings"] for night in possible} >= {least["awakenings"]}


def test_where_a_gap_lies_is_told() -> None:
    answer = told("?W LL??? WL ??WW")

    assert answer["unknown_before_sleep_min"] == 0.5
    assert answer["unknown_within_sleep_min"] == 1.5
    assert answer["unknown_after_sleep_min"] == 1.0


# --- nothing to tell ---


def test_a_night_without_sleep_has_no_onset_and_nothing_after_it() -> None:
    answer = told("WWWW")

    assert {name for name, value in answer.items() if value is None} == OF_SLEEP
    assert answer["percent_of_sleep"] == {"Light": None, "Deep": None, "REM": None}
    assert (answer["total_sleep_time_min"], answer["sleep_efficiency_pct"]) == (0.0, 0.0)


@pytest.mark.parametrize(("letters", "coverage"), [("", None), ("????", 0.0)])
def test_of_what_nobody_staged_nothing_is_guessed(letters: str, coverage: float | None) -> None:
    answer = told(letters)

    assert answer["coverage_pct"] == coverage
    assert answer["sleep_efficiency_pct"] is None
    assert answer["unknown_min"] == answer["time_in_bed_min"] == len(letters) / 2


# --- ranges and clocks ---


def test_a_range_says_what_it_covers_and_counts_from_its_own_start() -> None:
    letters = "WWWW LLDD WRR WW"
    stages = coded(letters)

    answer = night_statistics(stages[2:9], AT, first_index=2).as_json

    assert answer["covers"] == {
        "from": "2026-03-01T22:01:00Z",
        "to": "2026-03-01T22:04:30Z",
        "epochs": 7,
    }
    assert answer["sleep_onset_latency_min"] == 1.0
    assert answer["first_sleep_at"] == "2026-03-01T22:02:00Z"
    assert answer["time_in_bed_min"] == 3.5


def test_the_clock_of_the_start_changes_nothing_but_how_it_was_written() -> None:
    berlin = AT.astimezone(timezone(timedelta(hours=1)))
    stages = coded("WLLRW")

    assert night_statistics(stages, berlin).as_json == night_statistics(stages, AT).as_json


@pytest.mark.parametrize("first_index", [0, 3, 7])
@pytest.mark.parametrize("span", [range(10), range(2, 5), range(4, 12), range(8, 20), range(3, 3)])
def test_stages_are_laid_out_on_a_span_with_gaps_where_there_are_none(
    first_index: int, span: range
) -> None:
    stages = coded("WLDR")

    wide = laid_out(stages, first_index, span)

    by_index = {first_index + place: stage for place, stage in enumerate(stages.tolist())}
    assert wide.tolist() == [by_index.get(index, -1) for index in span]
    assert wide.dtype == np.int8
