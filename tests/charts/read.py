"""Charts read back as a browser would: well-formed, each mark where it lies, the table's cells."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from django.utils.safestring import SafeString

STEP = re.compile(r"([MLHVZh])([^MLHVZh]*)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Element = ElementTree.Element


def parsed(chart: SafeString) -> Element:
    return ElementTree.fromstring(chart)


def having(chart: Element, name: str) -> list[Element]:
    """The elements with a class."""
    return [one for one in chart.iter() if name in one.get("class", "").split()]


def canvas(chart: Element) -> Element:
    found = next(chart.iter("svg"), None)
    assert found is not None
    return found


def box(chart: Element) -> tuple[float, float]:
    _, _, width, height = map(float, canvas(chart).get("viewBox", "").split())
    return width, height


def points(path: str) -> Iterator[tuple[float, float]]:
    """The corners of an absolute path."""
    x = y = 0.0
    for step, rest in STEP.findall(path):
        numbers = [float(number) for number in NUMBER.findall(rest)]
        if step in "ML":
            for x, y in zip(numbers[::2], numbers[1::2], strict=True):
                yield x, y
        elif step in "HV":
            x, y = (numbers[0], y) if step == "H" else (x, numbers[0])
            yield x, y


def corners(mark: Element) -> Iterator[tuple[float, float]]:
    place = {name: float(mark.get(name, 0)) for name in ("x", "y", "width", "height", "r")}
    if mark.tag == "path":
        yield from points(mark.get("d", ""))
    elif mark.tag == "circle":
        yield float(mark.get("cx", 0)), float(mark.get("cy", 0))
    elif mark.tag == "line":
        yield float(mark.get("x1", 0)), float(mark.get("y1", 0))
        yield float(mark.get("x2", 0)), float(mark.get("y2", 0))
    elif mark.tag in ("rect", "text"):
        yield place["x"], place["y"]
        yield place["x"] + place["width"], place["y"] + place["height"]


def table(chart: Element) -> list[list[str]]:
    """The rows of the numbers, without their head."""
    body = next(chart.iter("tbody"))
    return [["".join(cell.itertext()) for cell in row] for row in body]
