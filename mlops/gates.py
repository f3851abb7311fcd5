"""What a version has to show before it may serve: each gate with its figure, passed or not.

What nobody could measure is unknown, and unknown is not passed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

CANDIDATE, INCUMBENT, NULL, TRUTH = "candidate", "incumbent", "null", "truth"


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Limits:
    """From the settings of the same names."""

    nights: int
    people: int
    kappa: float
    macro_f1: float
    smallest_recall: float
    calibration_error: float
    over_null: float
    behind_incumbent: float
    latency_ms: float


@dataclass(frozen=True)
class Gate:
    name: str
    asks: str
    outcome: Outcome
    figure: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.outcome == Outcome.PASS

    @property
    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """What a run measured, and what has to be true beside it."""

    report: Mapping[str, Any]  # {} where nothing was measured
    incumbent: str | None  # what serves now
    judged_against: str | None  # what served when it was measured
    is_same_schema: bool
    is_incumbent: bool = False  # is it what serves now?


def gates_of(found: Found, limits: Limits) -> list[Gate]:
    return [
        *_measured(found.report, limits),
        _incumbent(found, limits),
        _latency(found.report, limits),
        Gate(
            "feature_schema",
            "speaks the active feature schema",
            Outcome.PASS if found.is_same_schema else Outcome.FAIL,
        ),
    ]


def _measured(report: Mapping[str, Any], limits: Limits) -> Iterator[Gate]:
    pair = report.get("pairs", {}).get(f"{CANDIDATE} against {TRUTH}", {})
    recalls = [
        value for value in pair.get("by_stage", {}).get("recall", {}).values() if value is not None
    ]
    over_null = report.get("over_null", {}).get("kappa")
    figures = [
        ("kappa", pair.get("kappa"), limits.kappa, False),
        ("macro_f1", pair.get("macro_f1"), limits.macro_f1, False),
        ("smallest_recall", min(recalls, default=None), limits.smallest_recall, False),
        (
            "calibration_error",
            pair.get("expected_calibration_error"),
            limits.calibration_error,
            True,
        ),
        ("over_null", over_null, limits.over_null, False),
    ]
    few = _too_few(report, limits)
    for name, figure, wanted, is_most in figures:
        asks = f"{ASKS[name]} {'at most' if is_most else 'at least'} {wanted:g}"
        if figure is None or few:
            yield Gate(name, asks, Outcome.UNKNOWN, figure, few or "nothing measured")
        else:
            is_met = figure <= wanted if is_most else figure >= wanted
            yield Gate(name, asks, Outcome.PASS if is_met else Outcome.FAIL, figure)


ASKS = {
    "kappa": "kappa",
    "macro_f1": "macro-F1",
    "smallest_recall": "recall of the stage that it finds least",
    "calibration_error": "expected calibration error",
    "over_null": "kappa above that of null-clock by",
}


def _too_few(report: Mapping[str, Any], limits: Limits) -> str:
    nights, people = report.get("nights", 0), report.get("people", 0)
    if nights >= limits.nights and people >= limits.people:
        return ""
    if not report:
        return "not judged yet"
    return f"{nights} nights of {people} people; it takes {limits.nights} of {limits.people} to say"


def _incumbent(found: Found, limits: Limits) -> Gate:
    """Not worse by more than the margin: what is not shown to be as good does not pass."""
    name = "incumbent"
    asks = f"kappa not below what serves by more than {limits.behind_incumbent:g}, with 95 %"
    if found.incumbent is None:
        return Gate(name, asks, Outcome.PASS, None, "nothing serves")
    if found.is_incumbent:
        return Gate(name, asks, Outcome.PASS, None, "it serves")
    if found.report and found.judged_against != found.incumbent:
        note = f"judged beside {found.judged_against}, and {found.incumbent} serves now"
        return Gate(name, asks, Outcome.UNKNOWN, None, note)
    difference = found.report.get("over_incumbent") or {}
    low, _high = difference.get("interval") or (None, None)
    few = _too_few(found.report, limits)
    if low is None or few:
        note = few or "no interval"
        return Gate(name, asks, Outcome.UNKNOWN, difference.get("kappa"), note)
    is_met = low >= -limits.behind_incumbent
    note = f"{difference['kappa']:+.3f}, at least {low:+.3f}, beside {found.incumbent}"
    return Gate(name, asks, Outcome.PASS if is_met else Outcome.FAIL, difference["kappa"], note)


def _latency(report: Mapping[str, Any], limits: Limits) -> Gate:
    line = report.get("lines", {}).get(CANDIDATE, {})
    figure = (line.get("latency_ms") or {}).get("p95")
    asks = f"95 % of nights staged within {limits.latency_ms:g} ms"
    if figure is None:
        return Gate("latency", asks, Outcome.UNKNOWN, None, "nothing measured")
    outcome = Outcome.PASS if figure <= limits.latency_ms else Outcome.FAIL
    return Gate("latency", asks, outcome, figure)
