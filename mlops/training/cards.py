"""The model card: what a model is, what it was fitted to, how good it is, what it is not for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops.training.judging import Judged


@dataclass(frozen=True)
class Card:
    """What only words can say; the tables come from what was judged."""

    title: str
    lead: str
    data: Sequence[str]
    features: Sequence[str]
    left_out: Sequence[str]
    weaknesses: Sequence[str]
    forbidden: Sequence[str]
    command: str


def markdown(card: Card, judged: Mapping[str, Judged], by_stage: str) -> str:
    """`judged` by the name of its row, nulls first; `by_stage` is the row shown stage by stage."""
    parts = [
        f"# {card.title}",
        card.lead,
        "## On nights held out of training",
        _overall(judged),
        f"{by_stage[:1].upper()}{by_stage[1:]}, stage by stage:",
        _stages(judged[by_stage]),
        "## Data",
        _points(card.data),
        "## Features",
        f"Used: {_codes(card.features)}.",
        f"Given no weight: {_codes(card.left_out)}." if card.left_out else "",
        "## Where it fails",
        _points(card.weaknesses),
        "## Not to be used for",
        _points(card.forbidden),
        "## To make it again",
        f"    {card.command}",
        "On any number of processors that gives the same artifact hash.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _overall(judged: Mapping[str, Judged]) -> str:
    head = ("", "accuracy", "balanced", "κ (95 %)", "macro-F1", "calibration error", "coverage")
    rows = [
        (
            name,
            _number(found.report.accuracy),
            _number(found.report.balanced_accuracy),
            _with_interval(found),
            _number(found.report.macro_f1),
            _number(found.report.expected_calibration_error),
            f"{found.coverage:.0%}",
        )
        for name, found in judged.items()
    ]
    return _table(head, rows)


def _stages(found: Judged) -> str:
    rows = [
        (
            label,
            _number(scores.precision),
            _number(scores.recall),
            _number(scores.f1),
            str(scores.support),
        )
        for label, scores in found.report.by_stage.items()
    ]
    return _table(("", "precision", "recall", "F1", "epochs"), rows)


def _with_interval(found: Judged) -> str:
    low, high = found.intervals["kappa"]
    return f"{_number(found.report.kappa)} ({_number(low)} to {_number(high)})"


def _number(value: float | None) -> str:
    # No minus before nothing.
    return "-" if value is None else f"{round(value, 2) + 0.0:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _points(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
