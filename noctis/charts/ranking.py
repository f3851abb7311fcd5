"""One number each of several, as bars side by side from nothing on. Pure."""

from collections.abc import Mapping

import numpy as np
from django.utils.safestring import SafeString

from noctis.charts import plot
from noctis.charts.figure import Caption, Drawing, Key, Table, blank, figure
from noctis.charts.marks import kind, told
from noctis.charts.plot import Plot
from noctis.charts.scales import known

WIDTH, LEFT, RIGHT, TOP, FOOT = 480.0, 172.0, 430.0, 6.0, 26.0
ROW, LONGEST_NAME = 20.0, 21
# More than these are drawn without their names; all of them stand in the table.
MOST_NAMED, MOST_HIGH = 40, 800.0


def ranking(
    caption: Caption, values: Mapping[str, float | None], *, middle: float | None = None
) -> SafeString:
    """A bar for each name, in the order given, up to 1 at least; `middle` is a line across all."""
    found = known(list(values.values()))
    if not len(found) or np.isnan(found).all():
        return blank(caption)
    is_named = len(found) <= MOST_NAMED
    high = ROW if is_named else MOST_HIGH / len(found)
    frame = Plot(LEFT, TOP, RIGHT, TOP + high * len(found))
    scale = frame.across(min(0.0, float(np.nanmin(found))), max(1.0, float(np.nanmax(found))))
    marks = []
    for tick in scale.ticks(4):
        x = scale.at(tick)
        marks.append(plot.line(x, frame.top, x, frame.bottom, "grid"))
        marks.append(plot.word(x, frame.bottom + 16, f"{tick:,.6g}", "is-middle"))
    for row, (name, value) in enumerate(zip(values, found.tolist(), strict=True)):
        y = frame.top + high * row
        marks += _bar(scale.at(0.0), scale.at(value), Plot(LEFT, y, RIGHT, y + high), name)
        marks += _words(name, value, y + high - 6) if is_named else []
    legend = []
    if middle is not None:
        x = scale.at(middle)
        marks.append(plot.line(x, frame.top, x, frame.bottom, "limit"))
        legend.append(Key(f"all together {middle:.2f}", "is-limit"))
    rows = [[name, told(value)] for name, value in values.items()]
    drawing = Drawing(WIDTH, frame.bottom + FOOT, marks, Table(["", caption.title], rows), legend)
    return figure(caption, drawing)


def _bar(origin: float, end: float, row: Plot, name: str) -> list[SafeString]:
    if np.isnan(end):
        return [plot.box(row.left, row.top + 2, row.width, max(row.height - 4, 0.5), "gap")]
    high = max(row.height - 4, row.height / 2)
    left, wide = min(origin, end), max(abs(end - origin), 1.0)
    return [plot.box(left, row.top + (row.height - high) / 2, wide, high, f"field {kind(name)}")]


def _words(name: str, value: float, y: float) -> list[SafeString]:
    short = name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"
    number = told(None) if np.isnan(value) else f"{value:.2f}"
    return [
        plot.word(LEFT - 8, y, short, "is-end"),
        plot.word(WIDTH - 2, y, number, "is-end is-quiet"),
    ]
