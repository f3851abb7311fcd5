"""What surrounds every chart: its title, what it says, a legend, and its numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from noctis.charts.marks import cells, joined, kind, tag

# A chart as wide as this is scrolled on a telephone; one can get there by keyboard.
SCROLLED_FROM = 640


@dataclass(frozen=True)
class Caption:
    """`says` is one sentence on what is shown; `empty` what stands there without any number."""

    title: str
    says: str
    empty: str = "Nothing to show yet."


@dataclass(frozen=True)
class Table:
    """The same numbers to read. The first column names its row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Key:
    """A line of the legend: a name and the class that gives it its colour."""

    name: str
    classes: str

    @classmethod
    def of(cls, name: str) -> "Key":
        return cls(name, kind(name))


@dataclass(frozen=True)
class Drawing:
    width: float
    height: float
    marks: list[SafeString]
    table: Table
    legend: Sequence[Key] = field(default=())


GAP = Key("no data", "is-gap")


def figure(caption: Caption, drawing: Drawing, look: str = "") -> SafeString:
    """A drawing with everything that makes it readable without seeing it."""
    canvas = tag(
        "svg",
        tag("title", caption.title),
        tag("desc", caption.says),
        *drawing.marks,
        role="img",
        viewBox=f"0 0 {drawing.width:g} {drawing.height:g}",
    )
    is_wide = drawing.width >= SCROLLED_FROM
    size = "is-wide" if is_wide else "is-narrow"
    name = f"{caption.title}, picture"
    frame = {"tabindex": 0, "role": "group", "aria_label": name} if is_wide else {}
    return tag(
        "figure",
        _heading(caption),
        _legend(drawing.legend),
        tag("div", canvas, class_=f"chart-canvas {size}", **frame),
        _numbers(caption, drawing.table),
        class_=f"chart {look}".strip(),
    )


def blank(caption: Caption, look: str = "") -> SafeString:
    """The same place where there is nothing to draw."""
    nothing = tag("p", caption.empty, class_="chart-empty")
    return tag("figure", _heading(caption), nothing, class_=f"chart is-empty {look}".strip())


def _heading(caption: Caption) -> SafeString:
    title = tag("strong", caption.title)
    return tag("figcaption", title, " ", tag("span", caption.says))


def _legend(keys: Sequence[Key]) -> SafeString:
    if not keys:
        return SafeString()
    lines = [tag("li", tag("i", class_=f"swatch {key.classes}"), key.name) for key in keys]
    return tag("ul", *lines, class_="chart-legend")


def _numbers(caption: Caption, table: Table) -> SafeString:
    head = tag("tr", *(tag("th", name, scope="col") for name in table.columns))
    body = [tag("tr", tag("th", row[0], scope="row"), cells("td", row[1:])) for row in table.rows]
    held = tag(
        "table",
        tag("caption", caption.title, class_="visually-hidden"),
        tag("thead", head),
        tag("tbody", joined(body)),
    )
    scrolled = tag("div", held, class_="chart-numbers", tabindex=0)
    return tag("details", tag("summary", "The numbers"), scrolled)
