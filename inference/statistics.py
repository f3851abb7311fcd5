"""A night in numbers, as the AASM counts them; gaps are unknown, never wake or sleep.

Amounts count what was staged, so a gap can only add to them; places are exact or None.
"""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import grid
from recordings.stages import SHOWN, UNSCORED, shown_places

WAKE, REM = SHOWN.index("W"), SHOWN.index("REM")
MINUTES = grid.EPOCH_S / 60

# (epochs,) as codes of recordings.stages, -1 where the stage is unknown.
Codes = NDArray[np.signedinteger[Any]]
# The same as places in its SHOWN.
Stages = NDArray[np.int8]


@dataclass(frozen=True)
class Covered:
    """What the statistics were taken over: half-open, the whole of it in bed."""

    from_at: datetime
    to_at: datetime
    epochs: int


@dataclass(frozen=True)
class Sleep:
    """What hangs on where sleep begins and ends; all None where no sleep was staged."""

    sleep_onset_latency_min: float | None = None
    rem_latency_min: float | None = None
    wake_after_sleep_onset_min: float | None = None
    terminal_wake_min: float | None = None
    awakenings: int | None = None
    awakenings_per_hour: float | None = None
    stage_shifts: int | None = None
    first_sleep_at: datetime | None = None
    last_sleep_at: datetime | None = None
    mid_sleep_at: datetime | None = None
    unknown_before_sleep_min: float | None = None
    unknown_within_sleep_min: float | None = None
    unknown_after_sleep_min: float | None = None


@dataclass(frozen=True)
class NightStatistics:
    """Each term and its formula stand in docs/glossary.md."""

    covers: Covered
    time_in_bed_min: float
    unknown_min: float
    coverage_pct: float | None
    total_sleep_time_min: float
    sleep_efficiency_pct: float | None
    longest_sleep_min: float
    minutes_by_stage: dict[str, float]
    percent_of_sleep: dict[str, float | None]
    sleep: Sleep

    @property
    def as_json(self) -> dict[str, Any]:
        """The same in one level of plain values; instants in UTC."""
        covers = self.covers
        covered = {
            "from": _instant(covers.from_at),
            "to": _instant(covers.to_at),
            "epochs": covers.epochs,
        }
        own = {field.name: getattr(self, field.name) for field in fields(self)[1:-1]}
        flat = own | asdict(self.sleep)
        return {"covers": covered} | {name: _plain(value) for name, value in flat.items()}


def night_statistics(codes: Codes, started_at: datetime, first_index: int = 0) -> NightStatistics:
    """Of (epochs,) stages, the first of which is epoch `first_index` of its recording.

    For a range, pass the range: it is taken for the time in bed, from lights out to lights on."""
    stages = shown_places(codes)
    known, asleep = stages != UNSCORED, stages > WAKE
    counts = np.bincount(stages[known], minlength=len(SHOWN))
    slept, staged = int(asleep.sum()), int(known.sum())
    start = grid.epoch_start(started_at, first_index)
    return NightStatistics(
        covers=Covered(start, grid.epoch_start(start, len(stages)), len(stages)),
        time_in_bed_min=len(stages) * MINUTES,
        unknown_min=(len(stages) - staged) * MINUTES,
        coverage_pct=_percent(staged, len(stages)),
        total_sleep_time_min=slept * MINUTES,
        # Among what was staged: over the time in bed, a gap would count as wake.
        sleep_efficiency_pct=_percent(slept, staged),
        longest_sleep_min=_longest_run(asleep) * MINUTES,
        minutes_by_stage={name: float(counts[i]) * MINUTES for i, name in enumerate(SHOWN)},
        percent_of_sleep={
            name: _percent(int(counts[i]), slept) for i, name in enumerate(SHOWN) if i != WAKE
        },
        sleep=_sleep(stages, start) if slept else Sleep(),
    )


def laid_out(codes: Codes, first_index: int, span: range) -> NDArray[np.int8]:
    """The codes of `span`, unknown wherever there are none; the first given is `first_index`."""
    wide = np.full(len(span), UNSCORED, np.int8)
    low, high = max(span.start, first_index), min(span.stop, first_index + len(codes))
    if low < high:
        wide[low - span.start : high - span.start] = codes[low - first_index : high - first_index]
    return wide


def _sleep(stages: Stages, start: datetime) -> Sleep:
    known, asleep = stages != UNSCORED, stages > WAKE
    first, end = int(asleep.argmax()), len(stages) - int(asleep[::-1].argmax())
    before, within, after = (
        int((~known[part]).sum())
        for part in (slice(None, first), slice(first, end), slice(end, None))
    )
    # With the gaps left out, what changed between two staged epochs changed at least once.
    period = stages[first:end][known[first:end]]
    awakenings = int(((period[1:] == WAKE) & (period[:-1] != WAKE)).sum())
    began = None if before else grid.epoch_start(start, first)
    ended = None if after else grid.epoch_start(start, end)
    return Sleep(
        sleep_onset_latency_min=None if before else first * MINUTES,
        rem_latency_min=None if before else _rem_latency(stages[first:]),
        wake_after_sleep_onset_min=int((period == WAKE).sum()) * MINUTES,
        terminal_wake_min=None if after else (len(stages) - end) * MINUTES,
        awakenings=awakenings,
        awakenings_per_hour=awakenings / (int(asleep.sum()) * MINUTES / 60),
        stage_shifts=int((period[1:] != period[:-1]).sum()),
        first_sleep_at=began,
        last_sleep_at=ended,
        mid_sleep_at=began + (ended - began) / 2 if began and ended else None,
        unknown_before_sleep_min=before * MINUTES,
        unknown_within_sleep_min=within * MINUTES,
        unknown_after_sleep_min=after * MINUTES,
    )


def _rem_latency(since_onset: Stages) -> float | None:
    dreaming = np.flatnonzero(since_onset == REM)
    # A gap in front may have been the first one.
    if not len(dreaming) or (since_onset[: dreaming[0]] == UNSCORED).any():
        return None
    return float(dreaming[0]) * MINUTES


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _plain(value: Any) -> Any:
    return _instant(value) if isinstance(value, datetime) else value


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
