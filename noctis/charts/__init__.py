"""Charts drawn on the server: values in, SVG with its numbers as a table out. Knows no app.

A page that shows one links `noctis/charts.css`; there is no inline style and no script.
"""

from noctis.charts.agreement import Bin, calibration, confusion
from noctis.charts.clock import Clock
from noctis.charts.days import Day, calendar
from noctis.charts.figure import Caption
from noctis.charts.nights import Staged, Trace, bands, hypnodensity, hypnogram
from noctis.charts.ranking import ranking
from noctis.charts.series import Series, Threshold, line, sparkline, stacked_bars
from noctis.charts.spread import bland_altman, histogram_pair
from noctis.charts.strips import Signal, strips

__all__ = [
    "Bin",
    "Caption",
    "Clock",
    "Day",
    "Series",
    "Signal",
    "Staged",
    "Threshold",
    "Trace",
    "bands",
    "bland_altman",
    "calendar",
    "calibration",
    "confusion",
    "histogram_pair",
    "hypnodensity",
    "hypnogram",
    "line",
    "ranking",
    "sparkline",
    "stacked_bars",
    "strips",
]
