"""Two distributions over each other, and two ways of measuring one thing. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.utils.safestring import SafeString

from noctis.charts import plot
from noctis.charts.figure import Caption, Drawing, Key, Table, blank, figure
from noctis.charts.marks import told
from noctis.charts.plot import Plot
from noctis.charts.scales import Scale, extent, from_zero, known

WIDTH, HEIGHT = 480.0, 200.0
FRAME = Plot(62, 10, 456, 160)
# Bland and Altman: as many standard deviations hold 95 % on both sides of the mean.
WITHIN = 1.96


def histogram_pair(
    caption: Caption, edges: Sequence[float], shares: Mapping[str, Sequence[float]], unit: str = ""
) -> SafeString:
    """Shares of one between each two edges: the first name as fields, the others as lines."""
    matrix = known(list(shares.values()))
    if len(edges) < 2 or not shares or not np.nansum(matrix):
        return blank(caption)
    matrix = np.where(np.isnan(matrix), 0.0, matrix) * 100
    scale, across = FRAME.upwards(*from_zero(matrix)), _across(edges)
    places, floor = across.all(known(edges)), np.full(matrix.shape[1], FRAME.bottom)
    marks = [*plot.heights(FRAME, scale, 3, "%"), *_values(across, unit)]
    for nth, row in enumerate(matrix):
        look = "field" if nth == 0 else "outline"
        marks.append(plot.area(places, floor, scale.all(row), f"{look} nth-{nth % 6}"))
    legend = [
        Key(name, f"{'' if nth == 0 else 'is-line '}nth-{nth % 6}")
        for nth, name in enumerate(shares)
    ]
    rows = [
        [f"{told(low)} to {told(high)}", *(f"{share:.1f} %" for share in column)]
        for low, high, column in zip(edges[:-1], edges[1:], matrix.T, strict=True)
    ]
    table = Table([f"between, {unit}".strip(", "), *shares], rows)
    return figure(caption, Drawing(WIDTH, HEIGHT, [*marks, FRAME.frame()], table, legend))


def _across(edges: Sequence[float]) -> Scale:
    low, high = float(edges[0]), float(edges[-1])
    return FRAME.across(low, high if high > low else low + 1.0)


def _values(scale: Scale, unit: str) -> list[SafeString]:
    marks = [plot.word(FRAME.right, FRAME.bottom + 32, unit, "is-end is-quiet")] if unit else []
    for value in scale.ticks(5):
        marks.append(plot.word(scale.at(value), FRAME.bottom + 17, f"{value:,.6g}", "is-middle"))
    return marks


def bland_altman(
    caption: Caption, truth: Sequence[float], given: Sequence[float], unit: str = ""
) -> SafeString:
    """Differences, given less true, over the mean of both, with the limits of their agreement."""
    pairs = known([list(truth), list(given)])
    pairs = pairs[:, ~np.isnan(pairs).any(0)]
    if not pairs.shape[1]:
        return blank(caption)
    means, apart = pairs.mean(0), pairs[1] - pairs[0]
    bias = float(apart.mean())
    reach = WITHIN * float(apart.std(ddof=1)) if len(apart) > 1 else 0.0
    limits = {"bias": bias, "lower limit": bias - reach, "upper limit": bias + reach}
    across, upwards = FRAME.across(*extent(means)), FRAME.upwards(*extent(apart, *limits.values()))
    marks = [*plot.heights(FRAME, upwards, 4), *_values(across, unit)]
    for name, value in limits.items():
        y = upwards.at(value)
        marks.append(
            plot.line(FRAME.left, y, FRAME.right, y, "middle" if name == "bias" else "limit")
        )
    marks += [
        plot.dot(x, y, 3, "point")
        for x, y in zip(across.all(means), upwards.all(apart), strict=True)
    ]
    rows = [[told(a), told(b), told(b - a)] for a, b in pairs.T.tolist()]
    rows += [[name, "", told(value)] for name, value in limits.items()]
    legend = [
        Key(f"bias {told(bias, unit)}", "is-line"),
        Key("95 % limits of agreement", "is-limit"),
    ]
    table = Table(["truth", "given", "difference"], rows)
    return figure(caption, Drawing(WIDTH, HEIGHT, [*marks, FRAME.frame()], table, legend))
