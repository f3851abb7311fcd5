"""The charts of a staged night: its stages, how likely each was, bands of states. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.utils.safestring import SafeString
from numpy.typing import NDArray

from noctis.charts import plot
from noctis.charts.clock import Clock
from noctis.charts.figure import GAP, Caption, Drawing, Key, Table, blank, figure
from noctis.charts.marks import UNKNOWN, kind, short, tag, told
from noctis.charts.plot import FOOT, LEFT, RIGHT, TOP, WIDTH, Plot
from noctis.charts.scales import columns_of, known, runs

ROW, BAND = 30.0, 14.0
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Trace:
    """(epochs,) places in `names`, -1 where nobody knows."""

    label: str
    codes: Codes
    names: Sequence[str]


@dataclass(frozen=True)
class Staged:
    """The stages, top row first; other answers drawn over them; bands of anything beneath."""

    main: Trace
    over: Sequence[Trace] = field(default=())
    bands: Sequence[Trace] = field(default=())


def hypnogram(caption: Caption, clock: Clock, night: Staged) -> SafeString:
    """One line up and down through the stages, epoch by epoch."""
    if not clock.count:
        return blank(caption)
    names = night.main.names
    frame = Plot(LEFT, TOP, RIGHT, TOP + ROW * len(names))
    foot = Plot(LEFT, frame.bottom + 6, RIGHT, frame.bottom + 6 + (BAND + 4) * len(night.bands))
    whole = Plot(LEFT, TOP, RIGHT, foot.bottom if night.bands else frame.bottom)
    marks = [
        *plot.hours(whole, clock),
        *(plot.word(LEFT - 6, _middle(frame, row) + 4, n, "is-end") for row, n in enumerate(names)),
        *plot.unknown(frame, night.main.codes < 0),
        *(_stairs(frame, trace, f"over {_nth(nth)}") for nth, trace in enumerate(night.over)),
        _stairs(frame, night.main, "stairs"),
        *_treads(frame, night.main),
        *_bands(foot, night.bands),
        frame.frame(),
    ]
    traces = [night.main, *night.over, *night.bands]
    overlaid = [Key(trace.label, f"is-line {_nth(nth)}") for nth, trace in enumerate(night.over)]
    legend = [*(Key(name, kind(name)) for name in _named(traces)), *overlaid, GAP]
    drawing = Drawing(WIDTH, whole.bottom + FOOT, marks, _runs_table(clock, traces), legend)
    return figure(caption, drawing, "is-hypnogram")


def bands(caption: Caption, clock: Clock, rows: Sequence[Trace]) -> SafeString:
    """States over time, a band for each trace."""
    if not clock.count or not rows:
        return blank(caption)
    frame = Plot(LEFT, TOP, RIGHT, TOP + (BAND + 4) * len(rows))
    marks = [*plot.hours(frame, clock), *_bands(frame, rows)]
    legend = [*(Key(name, kind(name)) for name in _named(rows)), GAP]
    drawing = Drawing(WIDTH, frame.bottom + FOOT, marks, _runs_table(clock, rows), legend)
    return figure(caption, drawing)


def hypnodensity(
    caption: Caption, clock: Clock, shares: NDArray[np.floating], names: Sequence[str]
) -> SafeString:
    """(epochs, names) that add up to one, NaN for a gap -> how likely each stage was."""
    if not clock.count:
        return blank(caption)
    frame = Plot(LEFT, TOP, RIGHT, TOP + 120)
    columns = [columns_of(known(shares[:, place])) for place in range(len(names))]
    means = np.stack([column.mean for column in columns])
    tops = frame.bottom - np.cumsum(means, axis=0) * frame.height
    floors = np.vstack([np.where(np.isnan(means[:1]), np.nan, frame.bottom), tops[:-1]])
    edges = plot.edges(frame, clock, columns[0].width)
    marks = [
        *plot.hours(frame, clock),
        *plot.heights(frame, frame.upwards(0, 100), 2, "%"),
        *(
            plot.area(edges, floors[place], tops[place], f"field {kind(name)}")
            for place, name in enumerate(names)
        ),
        *plot.unknown_between(edges, frame, np.isnan(means[0])),
        frame.frame(),
    ]
    rows = [
        [clock.told(nth * columns[0].width), *(_percent(share) for share in column)]
        for nth, column in enumerate(means.T)
    ]
    legend = [*(Key(name, kind(name)) for name in names), GAP]
    table = Table(["from", *names], rows)
    return figure(caption, Drawing(WIDTH, frame.bottom + FOOT, marks, table, legend))


def _middle(frame: Plot, row: int) -> float:
    return frame.top + ROW * (row + 0.5)


def _nth(nth: int) -> str:
    """The class of one of several that have no colour of their own."""
    return f"nth-{nth % 6}"


def _stairs(frame: Plot, trace: Trace, classes: str) -> SafeString:
    """Levels with the steps between them; a gap is no step."""
    scale = frame.across(0, len(trace.codes))
    path, before = "", -1
    for first, end, code in runs(trace.codes):
        y = short(_middle(frame, code))
        if code >= 0:
            path += f"V{y}" if before >= 0 else f"M{short(scale.at(first))},{y}"
            path += f"H{short(scale.at(end))}"
        before = code
    return tag("path", d=path, class_=classes)


def _treads(frame: Plot, trace: Trace) -> list[SafeString]:
    """Each level once more in its stage's colour: one path a stage."""
    scale = frame.across(0, len(trace.codes))
    paths = [""] * len(trace.names)
    for first, end, code in runs(trace.codes):
        if code >= 0:
            y = short(_middle(frame, code))
            paths[code] += f"M{short(scale.at(first))},{y}H{short(scale.at(end))}"
    return [
        tag("path", d=path, class_=f"tread {kind(name)}")
        for path, name in zip(paths, trace.names, strict=True)
        if path
    ]


def _bands(frame: Plot, rows: Sequence[Trace]) -> list[SafeString]:
    marks = []
    for nth, trace in enumerate(rows):
        top = frame.top + (BAND + 4) * nth
        row = Plot(frame.left, top, frame.right, top + BAND)
        marks += [
            plot.word(row.left - 6, row.bottom - 3, trace.label, "is-end"),
            *_band(row, trace),
        ]
    return marks


def _band(row: Plot, trace: Trace) -> list[SafeString]:
    scale = row.across(0, max(len(trace.codes), 1))
    paths: dict[int, str] = {}
    for first, end, code in runs(trace.codes):
        left, right = short(scale.at(first)), short(scale.at(end))
        paths[code] = (
            f"{paths.get(code, '')}M{left},{row.top:g}V{row.bottom:g}H{right}V{row.top:g}Z"
        )
    return [
        tag("path", d=path, class_="gap" if code < 0 else f"field {kind(trace.names[code])}")
        for code, path in paths.items()
    ]


def _named(traces: Sequence[Trace]) -> list[str]:
    """Each name once, in the order of their first trace."""
    return list(dict.fromkeys(name for trace in traces for name in trace.names))


def _runs_table(clock: Clock, traces: Sequence[Trace]) -> Table:
    rows = []
    for trace in traces:
        for first, end, code in runs(trace.codes):
            name = UNKNOWN if code < 0 else trace.names[code]
            minutes = told((end - first) * clock.step_s / 60)
            rows.append([trace.label, clock.told(first), clock.told(end), name, minutes])
    return Table(["of", "from", "to", "state", "minutes"], rows)


def _percent(share: float) -> str:
    return UNKNOWN if np.isnan(share) else f"{100 * share:.0f} %"
