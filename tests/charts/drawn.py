"""One of each chart, made of whatever numbers and words a test brings."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.utils.safestring import SafeString

from noctis import charts
from noctis.charts import Bin, Caption, Clock, Day, Series, Signal, Staged, Threshold, Trace

STAGES = ("W", "REM", "Light", "Deep")
START = datetime(2026, 10, 24, 21, 41, 30, tzinfo=UTC)
Words = tuple[str, str]
Numbers = Sequence[float | None]


def clock(count: int, zone: str = "Europe/Berlin", start: datetime = START) -> Clock:
    return Clock(start, ZoneInfo(zone), count)


def floats(values: Numbers) -> "np.ndarray":
    return np.array([np.nan if value is None else value for value in values], float)


def codes(values: Numbers) -> "np.ndarray":
    """Any numbers as stages: what is not known stays so."""
    known = floats(values)
    return np.where(
        np.isfinite(known), np.abs(np.nan_to_num(known, posinf=0, neginf=0)) % len(STAGES), -1
    ).astype(int)


def shares(values: Numbers) -> "np.ndarray":
    known = floats(values)
    known = np.where(np.isfinite(known), known, np.nan)
    weights = np.abs(known)[:, None] % 7 + np.arange(1, len(STAGES) + 1)
    return weights / weights.sum(1, keepdims=True)


def _caption(words: Words) -> Caption:
    return Caption(*words)


def hypnogram(words: Words, values: Numbers) -> SafeString:
    trace = Trace(words[0], codes(values), STAGES)
    other = Trace(words[1], np.roll(trace.codes, 1), STAGES)
    night = Staged(trace, [other], [other])
    return charts.hypnogram(_caption(words), clock(len(values)), night)


def ranking(words: Words, values: Numbers) -> SafeString:
    named = {f"{words[0]} {place}": value for place, value in enumerate(values)}
    return charts.ranking(_caption(words), named, middle=0.4)


def bands(words: Words, values: Numbers) -> SafeString:
    trace = Trace(words[0], codes(values), STAGES)
    return charts.bands(_caption(words), clock(len(values)), [trace])


def hypnodensity(words: Words, values: Numbers) -> SafeString:
    return charts.hypnodensity(_caption(words), clock(len(values)), shares(values), STAGES)


def strips(words: Words, values: Numbers) -> SafeString:
    signals = [Signal(words[0], words[1], floats(values)), Signal("b", "%", floats(values), (0, 9))]
    return charts.strips(_caption(words), clock(len(values)), signals)


def _series(words: Words, values: Numbers) -> Series:
    names = [f"{words[0]} {nth}" for nth in range(len(values))]
    return Series(names, {words[1]: values, "b": values[::-1]}, "ms", Threshold(words[0], 250.0))


def line(words: Words, values: Numbers) -> SafeString:
    return charts.line(_caption(words), _series(words, values))


def stacked_bars(words: Words, values: Numbers) -> SafeString:
    return charts.stacked_bars(_caption(words), _series(words, values))


def sparkline(words: Words, values: Numbers) -> SafeString:
    return charts.sparkline(_caption(words), [str(nth) for nth in range(len(values))], values)


def histogram_pair(words: Words, values: Numbers) -> SafeString:
    weights = np.abs(np.nan_to_num(floats(values), posinf=0, neginf=0))
    part = (weights / (weights.sum() or 1)).tolist()
    edges = list(range(len(part) + 1)) if part else []
    return charts.histogram_pair(
        _caption(words), edges, {words[0]: part, "b": part[::-1]}, words[1]
    )


def bland_altman(words: Words, values: Numbers) -> SafeString:
    return charts.bland_altman(_caption(words), floats(values), floats(values[::-1]), words[1])


def confusion(words: Words, values: Numbers) -> SafeString:
    counts = [[len(values) * (row + 1) * (column % 2) for column in range(4)] for row in range(4)]
    return charts.confusion(_caption(words), [words[0], *STAGES[1:]], counts)


def calibration(words: Words, values: Numbers) -> SafeString:
    known = np.abs(np.nan_to_num(floats(values), posinf=0, neginf=0)) % 1
    bins = [Bin(nth / 10, nth / 10 + 0.1, nth, share, share) for nth, share in enumerate(known)]
    return charts.calibration(_caption(words), bins[:10])


def calendar(words: Words, values: Numbers) -> SafeString:
    days = [
        Day(date(2026, 9, 1) + timedelta(days=nth), value, words[1])
        for nth, value in enumerate(values)
    ]
    return charts.calendar(_caption(words), days, 960.0, "epochs")


CHARTS: dict[str, Callable[[Words, Numbers], SafeString]] = {
    draw.__name__: draw
    for draw in (
        hypnogram,
        bands,
        hypnodensity,
        strips,
        line,
        stacked_bars,
        sparkline,
        histogram_pair,
        bland_altman,
        confusion,
        calibration,
        ranking,
        calendar,
    )
}
