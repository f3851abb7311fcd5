"""A strip of days: how much there was on each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString

from noctis.charts import plot
from noctis.charts.figure import Caption, Drawing, Table, blank, figure
from noctis.charts.marks import tag, told

CELL, WIDTH, LEFT, ROW = 20.0, 800.0, 66.0, 38.0
ACROSS = 36
FAINTEST, DARKEST = 0.12, 0.9


@dataclass(frozen=True)
class Day:
    """None is a day of which nothing is known; `note` is what stands in the table."""

    on: date
    value: float | None
    note: str = ""


def calendar(caption: Caption, days: Sequence[Day], most: float, unit: str = "") -> SafeString:
    """A cell for each day, the fuller the darker; `most` is what a full one holds."""
    if not days:
        return blank(caption)
    marks = []
    for nth, day in enumerate(days):
        row, column = divmod(nth, ACROSS)
        x, y = LEFT + CELL * column, 6 + ROW * row
        marks.append(_cell(x, y, day, most, unit))
        if column == 0 or day.on.day == 1:
            marks.append(plot.word(x, y + CELL + 11, f"{day.on:%d %b}"))
    rows = [[day.on.isoformat(), told(day.value, unit), day.note] for day in days]
    height = 6 + ROW * (1 + (len(days) - 1) // ACROSS)
    table = Table(["day", "value", "remark"], rows)
    return figure(caption, Drawing(WIDTH, height, marks, table))


def _cell(x: float, y: float, day: Day, most: float, unit: str) -> SafeString:
    share = None if day.value is None else min(max(day.value / most if most > 0 else 0.0, 0.0), 1.0)
    opacity = None if share is None else f"{FAINTEST + (DARKEST - FAINTEST) * share:.2f}"
    said = f"{day.on.isoformat()}: {told(day.value, unit)} {day.note}".strip()
    return tag(
        "rect",
        tag("title", said),
        x=x + 1,
        y=y,
        width=CELL - 2,
        height=CELL - 2,
        class_="gap" if share is None else "cell",
        fill_opacity=opacity,
    )
