"""Signals of a night under each other, on one clock. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.safestring import SafeString
from numpy.typing import NDArray

from noctis.charts import plot
from noctis.charts.clock import Clock
from noctis.charts.figure import GAP, Caption, Drawing, Table, blank, figure
from noctis.charts.marks import told
from noctis.charts.plot import FOOT, LEFT, RIGHT, TOP, WIDTH, Plot
from noctis.charts.scales import Columns, columns_of, extent, known

NAME, STRIP = 14.0, 62.0


@dataclass(frozen=True)
class Signal:
    """(epochs,), NaN for a gap. `bounds` fix the axis where the values must not."""

    label: str
    unit: str
    values: NDArray[np.floating[Any]]
    bounds: tuple[float, float] | None = None


def strips(caption: Caption, clock: Clock, signals: Sequence[Signal]) -> SafeString:
    """The mean as a line, what lies between the lowest and the highest as a field around it."""
    if not clock.count or not signals:
        return blank(caption)
    columns = [columns_of(known(signal.values)) for signal in signals]
    marks: list[SafeString] = []
    for nth, (signal, column) in enumerate(zip(signals, columns, strict=True)):
        top = TOP + STRIP * nth
        frame = Plot(LEFT, top + NAME, RIGHT, top + STRIP - 10)
        marks += plot.hours(frame, clock, is_labelled=nth == len(signals) - 1)
        marks += _strip(frame, clock, signal, column)
    bottom = TOP + STRIP * len(signals) - 10
    table = _table(clock, signals, columns)
    return figure(caption, Drawing(WIDTH, bottom + FOOT, marks, table, [GAP]))


def _strip(frame: Plot, clock: Clock, signal: Signal, column: Columns) -> list[SafeString]:
    bounds = signal.bounds or extent(np.concatenate((column.low, column.high)))
    scale = frame.upwards(*bounds)
    edges = plot.edges(frame, clock, column.width)
    mean, low, high = (
        scale.all(np.clip(part, *bounds)) for part in (column.mean, column.low, column.high)
    )
    is_spread = column.width > 1
    return [
        *plot.heights(frame, scale, 2),
        *plot.unknown_between(edges, frame, np.isnan(mean)),
        *([plot.area(edges, low, high, "spread")] if is_spread else []),
        plot.curve((edges[:-1] + edges[1:]) / 2, mean, "curve"),
        plot.word(
            frame.left, frame.top - 4, f"{signal.label}, {signal.unit}".strip(", "), "is-name"
        ),
        frame.frame(),
    ]


def _table(clock: Clock, signals: Sequence[Signal], columns: Sequence[Columns]) -> Table:
    names = [f"{signal.label}, {signal.unit}".strip(", ") for signal in signals]
    width = columns[0].width
    rows = [
        [clock.told(nth * width), *(_told(column, nth) for column in columns)]
        for nth in range(len(columns[0].mean))
    ]
    return Table(["from", *names], rows)


def _told(column: Columns, nth: int) -> str:
    mean = told(float(column.mean[nth]))
    low, high = told(float(column.low[nth])), told(float(column.high[nth]))
    return mean if low == high else f"{mean} ({low} to {high})"
