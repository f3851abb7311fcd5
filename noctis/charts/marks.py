"""SVG and HTML as strings: whatever goes in is escaped here, and nothing carries a style. Pure."""

import re
from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString

# What XML cannot hold, not even escaped.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NOT_A_NAME = re.compile(r"[^a-z0-9]+")
UNKNOWN = "unknown"


def tag(name: str, *children: str, **attributes: object) -> SafeString:
    """`class_` and `stroke_width` are spelt as XML does; an attribute that is None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_written(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return SafeString(f"<{name}{given}>{joined(children)}</{name}>")


def cells(name: str, texts: Iterable[str]) -> SafeString:
    """Plain elements of one kind, of which a night's numbers need thousands."""
    return SafeString("".join([f"<{name}>{_escaped(text)}</{name}>" for text in texts]))


def joined(parts: "list[SafeString] | tuple[str, ...]") -> SafeString:
    """One after the other; what is not known to be safe is escaped."""
    return SafeString("".join(map(_safe, parts)))


def _safe(part: str) -> str:
    return part if isinstance(part, SafeString) else _escaped(part)


def _escaped(text: str) -> str:
    return escape(NOT_XML.sub("\ufffd", text), quote=True)


def _written(value: object) -> str:
    return short(value) if isinstance(value, float) else _escaped(str(value))


def short(place: float) -> str:
    """A place on the canvas: a tenth of a unit is finer than anybody's eye."""
    return f"{place:.1f}".removesuffix(".0")


def kind(name: str) -> str:
    """The class that gives a name its colour: `is-rem` for REM."""
    return f"is-{NOT_A_NAME.sub('-', name.lower()).strip('-') or 'nameless'}"


def told(value: float | None, unit: str = "") -> str:
    """A number for people: three digits or so, thousands apart, and what is not known said."""
    if value is None or value != value:  # NaN is not itself
        return UNKNOWN
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    text = f"{value:,.{digits}f}" if digits < 3 else f"{value:.3g}"
    return f"{text} {unit}".strip()
