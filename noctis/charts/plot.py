"""The frame that charts are drawn into: its edges, gridlines, labels, and paths with gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.safestring import SafeString

from noctis.charts.clock import Clock
from noctis.charts.marks import short, tag
from noctis.charts.scales import Bools, Floats, Scale, stretches

# Charts of a night share these, so that their clocks lie under each other.
WIDTH, LEFT, RIGHT, TOP, FOOT = 800.0, 70.0, 780.0, 8.0, 22.0
LABEL = 36.0  # how wide a time of day is
LETTER = 8.0  # and a letter, at most: where a chart is shown small, its text is larger


@dataclass(frozen=True)
class Plot:
    """A rectangle of the canvas."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def across(self, low: float, high: float) -> Scale:
        return Scale(low, high, self.left, self.right)

    def upwards(self, low: float, high: float) -> Scale:
        return Scale(low, high, self.bottom, self.top)

    def frame(self) -> SafeString:
        return box(self.left, self.top, self.width, self.height, "frame")


def box(x: float, y: float, width: float, height: float, classes: str) -> SafeString:
    return tag(
        "rect",
        x=float(x),
        y=float(y),
        width=max(float(width), 0.0),
        height=max(float(height), 0.0),
        class_=classes,
    )


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> SafeString:
    places = {"x1": float(x1), "y1": float(y1), "x2": float(x2), "y2": float(y2)}
    return tag("line", class_=classes, **places)


def word(x: float, y: float, text: str, classes: str = "") -> SafeString:
    return tag("text", text, x=float(x), y=float(y), class_=f"label {classes}".strip())


def heights(plot: Plot, scale: Scale, wanted: int = 4, unit: str = "") -> list[SafeString]:
    """Gridlines with their values on the left."""
    marks = []
    for value in scale.ticks(wanted):
        y = scale.at(value)
        marks.append(line(plot.left, y, plot.right, y, "grid"))
        marks.append(word(plot.left - 6, y + 4, f"{value:,.6g} {unit}".strip(), "is-end"))
    return marks


def hours(plot: Plot, clock: Clock, is_labelled: bool = True) -> list[SafeString]:
    """The night's clock: a line at each label, the zone where the axis ends."""
    scale = plot.across(0, max(clock.count, 1))
    marks = []
    for place, text in clock.ticks():
        x = scale.at(place)
        marks.append(line(x, plot.top, x, plot.bottom, "grid"))
        if is_labelled:
            # The first one must not run into the zone's name.
            is_first = x - plot.left < LABEL / 2
            marks.append(word(x, plot.bottom + 15, text, "" if is_first else "is-middle"))
    if is_labelled:
        marks.append(word(plot.left - 6, plot.bottom + 15, clock.zone_name, "is-end is-quiet"))
    return marks


def names(plot: Plot, labels: Sequence[str], wanted: int = 6) -> list[SafeString]:
    """Labels of evenly spread columns, as many as there is room for."""
    room = int(plot.width / (LETTER * (max(map(len, labels), default=0) + 2)))
    step = -(-len(labels) // max(min(wanted, room), 1)) or 1
    scale = plot.across(0, max(len(labels), 1))
    return [
        word(scale.at(place + 0.5), plot.bottom + 15, labels[place], "is-middle")
        for place in range(0, len(labels), step)
    ]


def edges(plot: Plot, clock: Clock, width: int) -> Floats:
    """Where columns of `width` epochs begin, and where the last one ends: (columns + 1,)."""
    columns = -(-clock.count // width)
    epochs = np.minimum(np.arange(columns + 1) * width, clock.count)
    return plot.across(0, max(clock.count, 1)).all(epochs.astype(float))


def middles(count: int) -> Floats:
    """Where evenly spread columns have their middle, in columns."""
    return np.arange(count, dtype=np.float64) + 0.5


def blanks(matrix: Floats) -> Bools:
    """(rows, columns) -> where no row knows anything: (columns,)."""
    return np.asarray(np.isnan(matrix).all(axis=0))


def unknown(plot: Plot, gaps: Bools) -> list[SafeString]:
    """(columns,) -> a grey field over what nobody knows."""
    return unknown_between(np.linspace(plot.left, plot.right, len(gaps) + 1), plot, gaps)


def unknown_between(edges_: Floats, plot: Plot, gaps: Bools) -> list[SafeString]:
    return [
        box(edges_[first], plot.top, edges_[end] - edges_[first], plot.height, "gap")
        for first, end in stretches(gaps)
    ]


def curve(x: Floats, y: Floats, classes: str) -> SafeString:
    """(points,) each -> a line that breaks where y is NaN; a lone point is a dot."""
    parts = []
    for first, end in stretches(~np.isnan(y)):
        points = [f"{short(a)},{short(b)}" for a, b in zip(x[first:end], y[first:end], strict=True)]
        parts.append(f"M{points[0]}" + ("L" + " ".join(points[1:]) if points[1:] else "h0"))
    return tag("path", d=" ".join(parts), class_=classes)


def area(edges: Floats, low: Floats, high: Floats, classes: str) -> SafeString:
    """(columns + 1,), (columns,), (columns,) -> stepped fields between two heights, with gaps."""
    parts = []
    for first, end in stretches(~(np.isnan(low) | np.isnan(high))):
        there = _steps(edges, high, range(first, end))
        back = _steps(edges, low, range(first, end), is_back=True)
        parts.append(f"M{short(edges[first])},{short(low[first])}{there}{back}Z")
    return tag("path", d=" ".join(parts), class_=classes)


def _steps(edges: Floats, heights_: Floats, columns: range, is_back: bool = False) -> str:
    """Equal neighbours are one step."""
    order = reversed(columns) if is_back else columns
    steps, before = [], None
    for column in order:
        height, edge = short(heights_[column]), edges[column if is_back else column + 1]
        if height == before:
            steps[-1] = f"H{short(edge)}"
        else:
            steps += [f"V{height}", f"H{short(edge)}"]
        before = height
    return "".join(steps)


def dot(x: float, y: float, radius: float, classes: str) -> SafeString:
    return tag("circle", cx=float(x), cy=float(y), r=float(radius), class_=classes)
