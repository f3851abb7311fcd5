"""Gates: each with its figure, passed, failed or unknown; what is unknown is not passed."""

from dataclasses import replace
from typing import Any

import pytest

from mlops.gates import Found, Gate, Limits, Outcome, gates_of
from tests.mlops.judged import report

LIMITS = Limits(
    nights=20,
    people=5,
    kappa=0.35,
    macro_f1=0.45,
    smallest_recall=0.3,
    calibration_error=0.1,
    over_null=0.15,
    behind_incumbent=0.03,
    latency_ms=500,
)
GOOD = Found(report(), incumbent="old", judged_against="old", is_same_schema=True)
MEASURED = ("kappa", "macro_f1", "smallest_recall", "calibration_error", "over_null")


def outcomes(found: Found) -> dict[str, str]:
    return {gate.name: gate.outcome.value for gate in gates_of(found, LIMITS)}


def gate(found: Found, name: str) -> Gate:
    return next(one for one in gates_of(found, LIMITS) if one.name == name)


def with_(**changed: Any) -> Found:
    return replace(GOOD, report=report() | changed)


def test_a_good_version_passes_every_gate() -> None:
    assert outcomes(GOOD) == dict.fromkeys(
        (*MEASURED, "incumbent", "latency", "feature_schema"), "pass"
    )


def test_what_serves_is_not_held_against_itself() -> None:
    """It was judged beside what served before it."""
    now = replace(GOOD, incumbent="new")

    assert outcomes(now)["incumbent"] == "unknown"
    assert outcomes(replace(now, is_incumbent=True))["incumbent"] == "pass"


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("kappa", {"kappa": 0.34}),
        ("macro_f1", {"macro_f1": 0.44}),
        ("smallest_recall", {"by_stage": {"recall": {"W": 0.9, "Deep": 0.29, "REM": None}}}),
        ("calibration_error", {"expected_calibration_error": 0.11}),
    ],
)
def test_each_threshold_is_a_gate_of_its_own(name: str, pair: dict[str, Any]) -> None:
    found = outcomes(replace(GOOD, report=report(**pair)))

    assert [one for one, outcome in found.items() if outcome != "pass"] == [name]
    assert found[name] == "fail"


@pytest.mark.parametrize(
    ("name", "pair"),
    [("kappa", {"kappa": 0.35}), ("calibration_error", {"expected_calibration_error": 0.1})],
)
def test_a_threshold_that_is_just_reached_is_passed(name: str, pair: dict[str, Any]) -> None:
    assert outcomes(replace(GOOD, report=report(**pair)))[name] == "pass"


def test_it_has_to_know_more_than_the_clock() -> None:
    assert outcomes(with_(over_null={"kappa": 0.14}))["over_null"] == "fail"
    assert outcomes(with_(over_null={}))["over_null"] == "unknown"


@pytest.mark.parametrize("few", [{"nights": 19}, {"people": 4}, {"nights": 0, "people": 0}])
def test_too_few_nights_or_people_say_nothing(few: dict[str, int]) -> None:
    found = outcomes(with_(**few))

    assert {found[name] for name in (*MEASURED, "incumbent")} == {"unknown"}
    assert "it takes 20 of 5" in gate(with_(**few), "kappa").note


def test_what_was_never_measured_is_unknown() -> None:
    found = outcomes(replace(GOOD, report={}))

    assert found == dict.fromkeys((*MEASURED, "incumbent", "latency"), "unknown") | {
        "feature_schema": "pass"
    }


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [([-0.03, 0.1], "pass"), ([-0.031, 0.1], "fail"), ([-0.2, -0.1], "fail")],
)
def test_it_is_shown_not_to_lose_to_what_serves(interval: list[float], outcome: str) -> None:
    found = with_(over_incumbent={"kappa": 0.0, "interval": interval})

    assert outcomes(found)["incumbent"] == outcome


def test_a_difference_without_an_interval_shows_nothing() -> None:
    found = with_(over_incumbent={"kappa": 0.3, "interval": [None, None]})

    assert outcomes(found)["incumbent"] == "unknown"


def test_judged_beside_another_than_serves_now_is_unknown() -> None:
    found = gate(replace(GOOD, incumbent="newer"), "incumbent")

    assert found.outcome == Outcome.UNKNOWN
    assert "newer serves now" in found.note


def test_where_nothing_serves_there_is_nobody_to_lose_to() -> None:
    assert outcomes(replace(GOOD, incumbent=None, judged_against=None))["incumbent"] == "pass"


def test_a_slow_version_is_held_back() -> None:
    found = with_(lines={"candidate": {"latency_ms": {"p50": 400.0, "p95": 501.0}}})

    assert outcomes(found)["latency"] == "fail"


def test_another_schema_than_the_active_one_is_held_back() -> None:
    assert outcomes(replace(GOOD, is_same_schema=False))["feature_schema"] == "fail"
