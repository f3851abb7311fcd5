"""A verdict as Markdown: for people on a terminal, in a card, in a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops.evaluation.bars import Bar
from mlops.evaluation.verdict import Verdict


@dataclass(frozen=True)
class Judgement:
    """One data set: the model's verdict, the nulls' beside it, and the bars."""

    source: str
    model: str
    verdict: Verdict
    nulls: Mapping[str, Verdict]
    bars: Sequence[Bar] = ()


def overview(judgement: Judgement) -> str:
    """Nulls first, for they are what has to be beaten."""
    rows = [
        *((name, verdict) for name, verdict in judgement.nulls.items()),
        (judgement.model, judgement.verdict),
    ]
    head = ("", "accuracy", "balanced", "κ (95 % by subject)", "macro-F1", "ECE", "coverage")
    return table(head, [_overall(name, verdict) for name, verdict in rows])


def _overall(name: str, verdict: Verdict) -> list[str]:
    report, (low, high) = verdict.report, verdict.intervals["kappa"]
    return [
        name,
        number(report.accuracy),
        number(report.balanced_accuracy),
        f"{number(report.kappa)} ({number(low)} to {number(high)})",
        number(report.macro_f1),
        number(report.expected_calibration_error),
        number(verdict.coverage),
    ]


def whole(judgement: Judgement, *, is_by_subject: bool = True) -> str:
    """Everything; a card, which travels, names no subject."""
    verdict = judgement.verdict
    sleep_wake, spread = verdict.sleep_wake, verdict.spread
    parts = [
        f"## {judgement.source}: {verdict.subjects} subjects, {verdict.nights} nights, "
        f"{verdict.labelled_epochs} scored epochs",
        overview(judgement),
        stages(verdict),
        f"Sleep against wake: sensitivity {number(sleep_wake.sensitivity)}, specificity "
        f"{number(sleep_wake.specificity)}, κ {number(sleep_wake.kappa)}.",
        f"κ by subject: mean {number(spread.mean)}, standard deviation "
        f"{number(spread.standard_deviation)}, from {number(spread.least)} to "
        f"{number(spread.most)}.",
        subjects(verdict) if is_by_subject else "",
        "Calibration of the shown confidence:",
        calibration(verdict),
        "Totals of a night, given less true, with 95 % limits of agreement:",
        totals(verdict),
        bars(judgement.bars) if judgement.bars else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def stages(verdict: Verdict) -> str:
    rows = [
        [name, number(one.precision), number(one.recall), number(one.f1), str(one.support)]
        for name, one in verdict.report.by_stage.items()
    ]
    return table(("", "precision", "recall", "F1", "epochs"), rows)


def subjects(verdict: Verdict) -> str:
    rows = [
        [one.subject, str(one.epochs), number(one.kappa), number(one.macro_f1)]
        for one in verdict.by_subject
    ]
    return table(("subject", "epochs", "κ", "macro-F1"), rows)


def calibration(verdict: Verdict) -> str:
    rows = [
        [
            f"{one.above:.1f} to {one.up_to:.1f}",
            str(one.epochs),
            number(one.mean_confidence),
            number(one.share_right),
        ]
        for one in verdict.report.calibration
        if one.epochs
    ]
    return table(("confidence", "epochs", "mean", "right"), rows)


def totals(verdict: Verdict) -> str:
    rows = [
        [
            name,
            str(one.nights),
            number(one.bias, 1),
            f"{number(one.lower_limit, 1)} to {number(one.upper_limit, 1)}",
        ]
        for name, one in verdict.statistics.items()
    ]
    return table(("", "nights", "bias", "limits"), rows)


def bars(found: Sequence[Bar]) -> str:
    rows = [
        [
            bar.name,
            number(bar.found),
            f"{'≤' if bar.is_most else '≥'} {bar.wanted:.2f}",
            "met" if bar.is_met else "**missed**",
        ]
        for bar in found
    ]
    return table(("bar", "found", "asked", ""), rows)


def number(value: float | None, digits: int = 2) -> str:
    # No minus before nothing.
    return "-" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
