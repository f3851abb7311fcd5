"""How well answers agree with the truth: a confusion matrix, a calibration curve. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.safestring import SafeString

from noctis.charts import plot
from noctis.charts.figure import Caption, Drawing, Key, Table, blank, figure
from noctis.charts.marks import tag, told
from noctis.charts.plot import Plot
from noctis.charts.scales import known

SIDE = 320.0
# A cell that holds all of its row is this opaque: its number stays readable on it.
DARKEST = 0.4


def confusion(
    caption: Caption, names: Sequence[str], counts: Sequence[Sequence[int]]
) -> SafeString:
    """Rows are the truth, columns what was given; a cell is shaded by its share of its row."""
    table = np.asarray(counts, dtype=np.int64)
    if not len(names) or not table.sum():
        return blank(caption)
    frame = Plot(70, 34, SIDE - 6, SIDE - 40)
    wide, high = frame.width / len(names), frame.height / len(names)
    whole = table.sum(1, keepdims=True)
    shares = np.divide(table, whole, out=np.zeros(table.shape), where=whole > 0)
    marks = [
        plot.word(frame.left + frame.width / 2, 12, "given", "is-middle is-quiet"),
        plot.word(frame.left - 8, 28, "truth", "is-end is-quiet"),
    ]
    for row, name in enumerate(names):
        y = frame.top + high * row
        marks.append(plot.word(frame.left + wide * (row + 0.5), 28, name, "is-middle"))
        marks.append(plot.word(frame.left - 8, y + high / 2 + 4, name, "is-end"))
        for column in range(len(names)):
            x = frame.left + wide * column
            marks += _cell(Plot(x, y, x + wide, y + high), table[row, column], shares[row, column])
    rows = [[name, *map(str, row)] for name, row in zip(names, table.tolist(), strict=True)]
    return figure(
        caption,
        Drawing(SIDE, SIDE - 34, marks, Table(["truth", *(f"given {n}" for n in names)], rows)),
        "is-square",
    )


def _cell(place: Plot, count: int, share: float) -> list[SafeString]:
    x, y = place.left + place.width / 2, place.top + place.height / 2
    return [
        tag(
            "rect",
            x=place.left + 1,
            y=place.top + 1,
            width=place.width - 2,
            height=place.height - 2,
            class_="cell",
            fill_opacity=f"{DARKEST * share:.2f}",
        ),
        plot.word(x, y, f"{100 * share:.0f} %", "is-middle is-loud"),
        plot.word(x, y + 14, f"{count:,}", "is-middle"),
    ]


@dataclass(frozen=True)
class Bin:
    """Answers of a like confidence; None where there were none."""

    above: float
    up_to: float
    count: int
    confidence: float | None
    right: float | None


def calibration(caption: Caption, bins: Sequence[Bin]) -> SafeString:
    """How often answers are right, over how sure they were; the diagonal would be perfect."""
    told_bins = [one for one in bins if one.count and one.confidence is not None]
    if not told_bins:
        return blank(caption)
    frame = Plot(58, 10, SIDE - 24, SIDE - 46)
    across, upwards = frame.across(0, 100), frame.upwards(0, 100)
    x = across.all(known([one.confidence for one in told_bins]) * 100)
    y = upwards.all(known([one.right for one in told_bins]) * 100)
    most = max(one.count for one in told_bins)
    sizes = [2.5 + 6 * (one.count / most) ** 0.5 for one in told_bins]
    marks = [
        *plot.heights(frame, upwards, 4, "%"),
        *(
            plot.word(across.at(tick), frame.bottom + 15, f"{tick} %", "is-middle")
            for tick in (0, 50, 100)
        ),
        plot.word(frame.right, frame.bottom + 30, "confidence", "is-end is-quiet"),
        plot.line(frame.left, frame.bottom, frame.right, frame.top, "limit"),
        plot.curve(x, y, "curve"),
        *(plot.dot(*place, "point") for place in zip(x, y, sizes, strict=True)),
        frame.frame(),
    ]
    rows = [
        [
            f"{100 * one.above:.0f} to {100 * one.up_to:.0f} %",
            str(one.count),
            *map(_percent, (one.confidence, one.right)),
        ]
        for one in bins
    ]
    table = Table(["confidence", "epochs", "mean confidence", "right"], rows)
    legend = [Key("share that was right", "is-line"), Key("perfectly calibrated", "is-limit")]
    return figure(caption, Drawing(SIDE, SIDE - 10, marks, table, legend), "is-square")


def _percent(share: float | None) -> str:
    return told(None) if share is None else told(100 * share, "%")
