"""The charts of a night: of all of it, or of a window of two hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from django.utils.safestring import SafeString
from numpy.typing import NDArray

from mlops.services.night_views import Line, NightView
from noctis import charts
from noctis.charts import Caption, Clock, Signal, Staged, Trace
from recordings import grid, quality
from recordings.admin import ROW_OF, ROWS
from recordings.stages import SHOWN, UNSCORED

DIFFERS = ("agrees", "differs")
PART = 2 * 3600 // grid.EPOCH_S
# What each schema calls the same signal: the first that the night has is drawn.
SIGNALS: tuple[tuple[str, str, Sequence[str], tuple[float, float] | None], ...] = (
    ("Heart rate", "bpm", ("hr_mean",), None),
    ("Respiration", "1/min", ("rr_mean",), None),
    ("Movement", "% of the epoch", ("large_move_pct", "vib_move_pct"), (0, 100)),
    ("Movement", "index", ("motion_index",), None),
    ("Presence", "% in bed", ("in_bed_pct",), (0, 100)),
)


@dataclass(frozen=True)
class Window:
    """Half-open epochs of a night; `part` is None where it is the whole of it."""

    first: int
    end: int
    part: int | None = None

    @classmethod
    def of(cls, count: int, wanted: str) -> "Window":
        """The part that an address names, or the whole night."""
        if wanted.isascii() and wanted.isdecimal() and int(wanted) * PART < count:
            part = int(wanted)
            return cls(part * PART, min((part + 1) * PART, count), part)
        return cls(0, count)

    @property
    def slice(self) -> slice:
        return slice(self.first, self.end)


@dataclass(frozen=True)
class Pictures:
    hypnogram: SafeString
    density: SafeString
    signals: SafeString


def clock_of(view: NightView, window: Window, zone: ZoneInfo) -> Clock:
    start = grid.epoch_start(view.recording.started_at, window.first)
    return Clock(start, zone, window.end - window.first, grid.EPOCH_S)


def pictures(view: NightView, window: Window, zone: ZoneInfo) -> Pictures:
    clock = clock_of(view, window, zone)
    return Pictures(
        hypnogram(view, window, clock), _density(view, window, clock), _signals(view, window, clock)
    )


def hypnogram(view: NightView, window: Window, clock: Clock) -> SafeString:
    """The night's stages, the other answer over them, the truth and the signal beneath."""
    caption = Caption(
        "Hypnogram", _told(view), "Nobody has staged this night yet, and no epoch of it came."
    )
    nothing = np.full(view.count, UNSCORED, np.int8)
    main = _trace(view.main, window) if view.main else _steps("not staged", nothing, window)
    over = [_trace(view.against, window)] if view.against else []
    truth = [_trace(view.truth, window, "truth")] if view.truth else []
    bands = [
        *truth,
        *_apart(view.main, view.truth, "≠ truth", window),
        *_apart(view.main, view.against, "≠ dashed", window),
        Trace("signal", view.quality[window.slice], quality.QUALITIES),
    ]
    return charts.hypnogram(caption, clock, Staged(main, over, bands))


def _told(view: NightView) -> str:
    parts = [f"Stages by {view.main.name}" if view.main else "No stages yet"]
    if view.against:
        parts.append(f"dashed: {view.against.name}")
    if view.truth:
        parts.append(f"truth: {view.truth.name}")
    return f"{'; '.join(parts)}. Grey is unknown."


def _trace(line: Line, window: Window, name: str = "") -> Trace:
    return _steps(name or line.name, line.stages, window)


def _steps(name: str, stages: NDArray[np.int8], window: Window) -> Trace:
    return Trace(name, ROW_OF[stages[window.slice]], ROWS)


def _apart(main: Line | None, other: Line | None, name: str, window: Window) -> list[Trace]:
    """Where two answers differ, as far as both know."""
    if main is None or other is None:
        return []
    a, b = main.stages[window.slice], other.stages[window.slice]
    is_known = (a != UNSCORED) & (b != UNSCORED)
    return [Trace(name, np.where(is_known, (a != b).astype(int), UNSCORED), DIFFERS)]


def _density(view: NightView, window: Window, clock: Clock) -> SafeString:
    caption = Caption(
        "Hypnodensity",
        "How likely each stage was, as calibrated before any smoothing.",
        "No probabilities are kept of this night.",
    )
    if view.main is None or np.isnan(view.main.shares).all():
        return charts.hypnodensity(
            caption, Clock(clock.start, clock.zone, 0), np.empty((0, 4)), ROWS
        )
    order = [SHOWN.index(name) for name in reversed(ROWS)]
    return charts.hypnodensity(caption, clock, view.main.shares[window.slice][:, order], ROWS[::-1])


def _signals(view: NightView, window: Window, clock: Clock) -> SafeString:
    caption = Caption(
        "Confidence and signals",
        "The mean of each column as a line, its lowest and highest as a field around it.",
        "No epoch of this night is stored.",
    )
    drawn = []
    if view.main is not None:
        sure = 100 * view.main.confidence[window.slice]
        drawn.append(Signal("Confidence", "% of the stage given", sure, (0, 100)))
    for label, unit, names, bounds in SIGNALS:
        values = next((found for name in names if (found := view.column(name)) is not None), None)
        if values is not None:
            drawn.append(Signal(label, unit, values[window.slice], bounds))
    return charts.strips(caption, clock, drawn)
