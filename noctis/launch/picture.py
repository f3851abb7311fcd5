"""A staged night as a few lines of text. Pure: stages in, lines out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

ROWS = ("W", "REM", "Light", "Deep")
WIDTH = 64


def drawn(stages: Sequence[str | None], width: int = WIDTH) -> list[str]:
    """A row for each stage; each column is the commonest of its stretch, a gap is a dot in all."""
    columns = [_commonest(part) for part in _stretches(stages, width)]
    return [f"{row:>5} {''.join(_mark(row, column) for column in columns)}" for row in ROWS]


def _stretches(stages: Sequence[str | None], width: int) -> list[Sequence[str | None]]:
    count = min(width, len(stages))
    edges = [len(stages) * n // count for n in range(count + 1)] if count else [0]
    return [stages[a:b] for a, b in pairwise(edges)]


def _commonest(stretch: Sequence[str | None]) -> str | None:
    ((stage, _),) = Counter(stretch).most_common(1)
    return stage


def _mark(row: str, column: str | None) -> str:
    if column is None:
        return "·"
    return "█" if column == row else " "


def told(summary: Mapping[str, Any]) -> str:
    """The night in one sentence; what is not known is left out."""
    asleep, bed = _time(summary["total_sleep_time_min"]), _time(summary["time_in_bed_min"])
    parts = [f"{asleep} asleep of {bed} in bed"]
    for name, text in (
        ("sleep_efficiency_pct", "efficiency {:.0f} %"),
        ("sleep_onset_latency_min", "asleep after {:g} min"),
        ("wake_after_sleep_onset_min", "awake {:g} min in between"),
        ("rem_latency_min", "REM after {:g} min"),
        ("unknown_min", "{:g} min unknown"),
    ):
        if summary[name]:
            parts.append(text.format(summary[name]))
    return ", ".join(parts)


def _time(minutes: float) -> str:
    return f"{int(minutes) // 60} h {int(minutes) % 60:02} min"
