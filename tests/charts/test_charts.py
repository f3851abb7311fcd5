"""Every chart, whatever goes in: well-formed, escaped, inside its canvas, its numbers beside."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noctis import charts
from tests.charts import drawn, read
from tests.charts.drawn import CHARTS

NIGHT = [None if nth % 97 == 0 else 50 + nth % 13 for nth in range(960)]
WORDS = ("Title", "What it says.")
# Whatever a sensor or a stranger may send; a float is as wide as the numbers of this platform.
values = st.lists(
    st.none()
    | st.floats(-1e9, 1e9, allow_subnormal=False)
    | st.sampled_from([np.nan, np.inf, -np.inf, 0.0]),
    max_size=60,
)
words = st.tuples(st.text(max_size=30), st.text(max_size=30))
# A mark may be this thick, a label this high.
MARGIN = 1.0


@pytest.mark.parametrize("name", CHARTS)
@settings(max_examples=20, deadline=None)
@given(told=words, numbers=values)
def test_whatever_goes_in_a_chart_is_well_formed_and_inside_its_canvas(
    name: str, told: tuple[str, str], numbers: list[float | None]
) -> None:
    chart = read.parsed(CHARTS[name](told, numbers))

    assert not [one for one in chart.iter() if "style" in one.attrib or one.tag == "style"]
    if "is-empty" in chart.get("class", ""):
        return
    width, height = read.box(chart)
    places = [place for mark in read.canvas(chart).iter() for place in read.corners(mark)]
    assert places
    assert all(
        -MARGIN <= x <= width + MARGIN and -MARGIN <= y <= height + MARGIN for x, y in places
    )


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_has_a_title_a_description_and_its_numbers(name: str) -> None:
    chart = read.parsed(CHARTS[name](WORDS, NIGHT[:90]))

    canvas = read.canvas(chart)
    assert [canvas.findtext("title"), canvas.findtext("desc")] == list(WORDS)
    assert canvas.get("role") == "img"
    assert chart.find("details/summary") is not None
    assert read.table(chart)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_of_nothing_says_so_and_draws_nothing(name: str) -> None:
    chart = read.parsed(CHARTS[name](WORDS, []))

    assert "is-empty" in chart.get("class", "")
    assert chart.findtext("p") == charts.Caption("", "").empty
    assert chart.find(".//svg") is None


@pytest.mark.parametrize("name", CHARTS)
def test_markup_in_a_name_stays_text(name: str) -> None:
    hostile = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')

    chart = CHARTS[name](hostile, NIGHT[:90])

    assert "<script" not in chart
    assert "<img" not in chart
    assert hostile[0] in "".join(read.parsed(chart).itertext())


@pytest.mark.parametrize("name", CHARTS)
def test_colours_come_from_classes_and_nothing_runs(name: str) -> None:
    chart = CHARTS[name](WORDS, NIGHT[:90])

    assert not re.search(r"\s(style|on\w+|href|fill|stroke)=", chart)


@pytest.mark.parametrize("name", ["hypnogram", "hypnodensity", "strips"])
def test_a_night_is_drawn_with_few_marks(name: str) -> None:
    longest = [value for value in NIGHT for _ in range(3)]

    chart = CHARTS[name](WORDS, longest)

    assert len(list(read.canvas(read.parsed(chart)).iter())) < 400
    assert len(chart) < 400_000


def test_each_level_of_a_hypnogram_is_the_stage_of_its_epochs() -> None:
    codes = np.array([0, 0, 1, -1, -1, 2, 3, 3, 0, 2])
    trace = charts.Trace("a model", codes, drawn.STAGES)

    chart = read.parsed(
        charts.hypnogram(charts.Caption(*WORDS), drawn.clock(10), charts.Staged(trace))
    )

    frame = next(read.corners(read.having(chart, "frame")[0]))[0], 0.0
    right = list(read.corners(read.having(chart, "frame")[0]))[1][0]
    wide = (right - frame[0]) / len(codes)
    shown = np.full(len(codes), -1)
    for stage, name in enumerate(("is-w", "is-rem", "is-light", "is-deep")):
        for tread in (
            mark for mark in read.having(chart, "tread") if name in mark.get("class", "")
        ):
            ends = [x for x, _ in read.points(tread.get("d", ""))]
            for left, end in zip(ends[::2], ends[1::2], strict=True):
                shown[round((left - frame[0]) / wide) : round((end - frame[0]) / wide)] = stage
    assert shown.tolist() == codes.tolist()
    # Two stretches with a gap between them: no step leads across it.
    assert read.having(chart, "stairs")[0].get("d", "").count("M") == 2


def test_no_line_crosses_a_gap() -> None:
    chart = read.parsed(drawn.line(WORDS, [1.0, 2.0, None, 3.0, 4.0]))

    curve = read.having(chart, "curve")[0].get("d", "")
    assert curve.count("M") == 2
    assert ["Title 2", "unknown", "unknown"] in read.table(chart)


def test_a_gap_in_a_night_is_grey_over_its_whole_height_and_unknown_in_the_table() -> None:
    values: list[float | None] = [60.0] * 10 + [None] * 5 + [61.0] * 5

    chart = read.parsed(drawn.strips(WORDS, values))

    (gap, _) = read.having(chart, "gap")
    (frame, _) = read.having(chart, "frame")
    assert float(gap.get("x", 0)) == float(frame.get("x", 0)) + float(frame.get("width", 0)) / 2
    assert gap.get("height") == frame.get("height")
    assert [row[1] for row in read.table(chart)].count("unknown") == 5


def test_likelihoods_fill_the_height_wherever_they_are_known() -> None:
    known = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [np.nan] * 4])

    chart = read.parsed(
        charts.hypnodensity(charts.Caption(*WORDS), drawn.clock(3), known, drawn.STAGES)
    )

    top, bottom = (y for _, y in read.corners(read.having(chart, "frame")[0]))
    fields = read.having(chart, "field")
    heights = [y for field in fields for _, y in read.corners(field)]
    assert (min(heights), max(heights)) == (top, bottom)
    assert read.table(chart)[0][1:] == ["10 %", "20 %", "30 %", "40 %"]
    assert read.table(chart)[2][1:] == ["unknown"] * 4


def test_limits_of_agreement_are_those_of_a_slow_count() -> None:
    truth, told = [400.0, 410.0, 420.0], [405.0, 400.0, 440.0]
    apart = [given - true for true, given in zip(truth, told, strict=True)]
    bias = sum(apart) / 3
    spread = (sum((value - bias) ** 2 for value in apart) / 2) ** 0.5

    rows = read.table(read.parsed(charts.bland_altman(charts.Caption(*WORDS), truth, told, "min")))

    assert rows[-3] == ["bias", "", f"{bias:.3g}"]
    assert rows[-1] == ["upper limit", "", f"{bias + 1.96 * spread:.1f}"]


def test_a_cell_is_shaded_by_its_share_of_the_truth() -> None:
    chart = read.parsed(charts.confusion(charts.Caption(*WORDS), ["a", "b"], [[9, 1], [0, 0]]))

    shades = [float(cell.get("fill-opacity", "")) for cell in read.having(chart, "cell")]
    assert shades[0] == pytest.approx(9 * shades[1])
    assert shades[2:] == [0, 0]
    assert read.table(chart) == [["a", "9", "1"], ["b", "0", "0"]]
