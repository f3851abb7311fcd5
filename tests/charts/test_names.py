"""The labels below columns: never so many that one covers the next."""

import re
from itertools import pairwise

import pytest

from noctis.charts import plot
from noctis.charts.plot import Plot

FRAME = Plot(62, 10, 456, 160)


@pytest.mark.parametrize("label", ["21:00", "14 Nov", "14 Nov 21:00"])
def test_the_longer_the_labels_the_fewer_are_written(label: str) -> None:
    drawn = plot.names(FRAME, [label] * 28)

    places = [float(re.findall(r'x="([\d.]+)"', str(mark))[0]) for mark in drawn]
    apart = [after - before for before, after in pairwise(places)]
    assert len(drawn) >= 2
    assert min(apart) > len(label) * plot.LETTER


def test_nothing_has_no_label() -> None:
    assert plot.names(FRAME, []) == []
