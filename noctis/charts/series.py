"""Charts over evenly spaced columns: lines with a threshold, stacked bars, a sparkline. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.safestring import SafeString

from noctis.charts import plot
from noctis.charts.figure import GAP, Caption, Drawing, Key, Table, blank, figure
from noctis.charts.marks import kind, told
from noctis.charts.plot import Plot
from noctis.charts.scales import Floats, from_zero, known

WIDTH, HEIGHT = 480.0, 190.0
FRAME = Plot(62, 10, 456, 160)
Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Threshold:
    name: str
    value: float


@dataclass(frozen=True)
class Series:
    """Named columns, and for each name as many values as there are columns; None is a gap."""

    columns: Sequence[str]
    values: Mapping[str, Numbers]
    unit: str = ""
    threshold: Threshold | None = None

    @property
    def matrix(self) -> Floats:
        """(names, columns)"""
        return known([list(map(_number, row)) for row in self.values.values()])

    @property
    def is_empty(self) -> bool:
        return not self.columns or not self.values or bool(np.isnan(self.matrix).all())

    @property
    def table(self) -> Table:
        rows = zip(self.columns, self.matrix.T.tolist(), strict=True)
        told_rows = [[name, *(told(value) for value in row)] for name, row in rows]
        if self.threshold is not None:
            told_rows.append([self.threshold.name, told(self.threshold.value)])
        return Table(
            ["at", *(f"{name}, {self.unit}".strip(", ") for name in self.values)], told_rows
        )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def line(caption: Caption, series: Series) -> SafeString:
    """A line for each name, and the threshold that they are held against."""
    if series.is_empty:
        return blank(caption)
    matrix = series.matrix
    limits = [series.threshold.value] if series.threshold else []
    low, high = from_zero(matrix, *limits)
    scale = FRAME.upwards(min(low, float(np.nanmin(matrix)), *limits), high)
    places = FRAME.across(0, len(series.columns)).all(plot.middles(len(series.columns)))
    gaps = plot.blanks(matrix)
    marks = [
        *plot.heights(FRAME, scale, 3),
        *plot.names(FRAME, series.columns),
        *plot.unknown(FRAME, gaps),
        *(
            plot.curve(places, scale.all(row), f"curve nth-{nth % 6} {kind(name)}")
            for nth, (name, row) in enumerate(zip(series.values, matrix, strict=True))
        ),
        *_limit(scale.at(limits[0]) if limits else None),
        FRAME.frame(),
    ]
    legend = [*_lines(series), *([GAP] if gaps.any() else [])]
    return figure(caption, Drawing(WIDTH, HEIGHT, marks, series.table, legend))


def _limit(height: float | None) -> list[SafeString]:
    return [] if height is None else [plot.line(FRAME.left, height, FRAME.right, height, "limit")]


def _lines(series: Series) -> list[Key]:
    keys = [
        Key(name, f"is-line nth-{nth % 6} {kind(name)}") for nth, name in enumerate(series.values)
    ]
    if series.threshold is not None:
        unit = f"{told(series.threshold.value, series.unit)}"
        keys.append(Key(f"{series.threshold.name}, {unit}", "is-limit"))
    return keys


def stacked_bars(caption: Caption, series: Series) -> SafeString:
    """Amounts on top of each other, a bar for each column; a column that nobody knows is grey."""
    if series.is_empty:
        return blank(caption)
    matrix = series.matrix
    gaps = plot.blanks(matrix)
    amounts = np.where(np.isnan(matrix), 0.0, np.maximum(matrix, 0.0))
    tops = np.cumsum(amounts, axis=0)
    scale = FRAME.upwards(*from_zero(tops[-1]))
    marks = [
        *plot.heights(FRAME, scale, 3, "" if series.unit != "%" else "%"),
        *plot.names(FRAME, series.columns),
        *plot.unknown(FRAME, gaps),
        *(
            bar
            for nth, name in enumerate(series.values)
            for bar in _bars(scale.all(tops[nth] - amounts[nth]), scale.all(tops[nth]), nth, name)
        ),
        FRAME.frame(),
    ]
    legend = [Key(name, f"nth-{nth % 6} {kind(name)}") for nth, name in enumerate(series.values)]
    return figure(caption, Drawing(WIDTH, HEIGHT, marks, series.table, legend))


def _bars(floors: Floats, tops: Floats, nth: int, name: str) -> list[SafeString]:
    """(columns,) heights each; nothing is not drawn."""
    wide = FRAME.width / len(tops)
    margin = min(wide * 0.15, 6)
    return [
        plot.box(
            FRAME.left + wide * place + margin,
            tops[place],
            wide - 2 * margin,
            floors[place] - tops[place],
            f"field nth-{nth % 6} {kind(name)}",
        )
        for place in np.flatnonzero(floors - tops > 0).tolist()
    ]


def sparkline(caption: Caption, columns: Sequence[str], values: Numbers) -> SafeString:
    """How a number went, without an axis; the last one is marked."""
    series = Series(columns, {caption.title: values})
    if series.is_empty:
        return blank(caption, "is-spark")
    frame = Plot(4, 4, 156, 32)
    row = series.matrix[0]
    low, high = from_zero(row)
    scale = frame.upwards(min(low, float(np.nanmin(row))), high)
    x = frame.across(0, len(row)).all(plot.middles(len(row)))
    y = scale.all(row)
    last = int(np.flatnonzero(~np.isnan(row))[-1])
    marks = [
        *plot.unknown(frame, np.isnan(row)),
        plot.curve(x, y, "curve"),
        plot.dot(x[last], y[last], 2.5, "point"),
    ]
    return figure(caption, Drawing(160, 36, marks, series.table), "is-spark")
