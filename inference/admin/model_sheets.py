"""How good a model is, as its own metadata says: tables and charts, set by set. Shows any shape."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from noctis import charts
from noctis.charts import Bin, Caption
from recordings.stages import SHOWN

NONE = "-"
MOST_LISTED = 8
# What an answer is called that is the model's own, beside the nulls that it must beat.
OWN = "this model"
HEAD = (
    "answer",
    "nights",
    "accuracy",
    "balanced",
    "κ (95 %)",
    "macro-F1",
    "calibration error",
    "coverage",
)
BY_STAGE = ("precision", "recall", "f1", "support")


def scores(metrics: Any) -> SafeString | str:
    """The figures of each set of nights; what has another shape is listed as it is."""
    if not isinstance(metrics, Mapping) or not metrics:
        return NONE
    parts = [
        _set(name, answers) if _is_judged(answers) else listed({name: answers})
        for name, answers in metrics.items()
    ]
    return format_html_join("", "{}", [(part,) for part in parts])


def _is_judged(answers: Any) -> bool:
    return isinstance(answers, Mapping) and all(
        isinstance(one, Mapping) and "kappa" in one for one in answers.values()
    )


def _set(name: str, answers: Mapping[str, Mapping[str, Any]]) -> SafeString:
    # The database keeps no order of them.
    ordered = sorted(answers.items(), key=lambda row: (not row[0].startswith(OWN), row[0]))
    rows = [[label, *_overall(one)] for label, one in ordered]
    own = [(label, one) for label, one in ordered if label.startswith(OWN)]
    spelt = name.replace("_", " ")
    drawn = [part for label, one in own for part in _pictures(f"{label}, {spelt} nights", one)]
    return format_html(
        "<p><strong>{}</strong></p>{}<div class='chart-row'>{}</div>",
        "held-out nights" if name == "held_out" else f"{spelt} nights, held out",
        table(HEAD, rows),
        format_html_join("", "{}", [(part,) for part in drawn]),
    )


def _overall(one: Mapping[str, Any]) -> Iterator[str]:
    yield str(one.get("nights", NONE))
    yield from (_two(one.get(key)) for key in ("accuracy", "balanced_accuracy"))
    low, high = one.get("kappa_interval") or (None, None)
    yield f"{_two(one.get('kappa'))} ({_two(low)} to {_two(high)})"
    yield from (_two(one.get(key)) for key in ("macro_f1", "expected_calibration_error"))
    coverage = one.get("coverage")
    yield NONE if coverage is None else f"{100 * coverage:.0f} %"


def _pictures(whose: str, one: Mapping[str, Any]) -> Iterator[SafeString]:
    if one.get("confusion"):
        caption = Caption(f"Confusion: {whose}", "Each row adds up to the epochs of that stage.")
        yield charts.confusion(caption, SHOWN, one["confusion"])
    if one.get("by_stage"):
        rows = [
            [stage, *(_two(told.get(key)) for key in BY_STAGE)]
            for stage in SHOWN
            if (told := one["by_stage"].get(stage))
        ]
        yield format_html(
            "<div><p><strong>By stage: {}</strong></p>{}</div>",
            whose,
            table(("stage", *BY_STAGE), rows),
        )
    if one.get("calibration"):
        caption = Caption(f"Calibration: {whose}", "How often it was right, by how sure it was.")
        yield charts.calibration(caption, [_bin(known) for known in one["calibration"]])


def _bin(known: Mapping[str, Any]) -> Bin:
    return Bin(
        known["above"],
        known["up_to"],
        known["epochs"],
        known.get("mean_confidence"),
        known.get("share_right"),
    )


def files(row_metadata: Mapping[str, Any]) -> SafeString | str:
    """The artifact's files with what they must hash to."""
    known = row_metadata.get("files") or {}
    rows = [[name, f"{one['size']:,}", one["sha256"]] for name, one in sorted(known.items())]
    return table(("file", "bytes", "SHA-256"), rows) if rows else NONE


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> SafeString:
    """Cells as text; the first of a row names it. Scrolled where it is too wide."""
    named = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in head))
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        ((row[0], format_html_join("", "<td>{}</td>", ((c,) for c in row[1:]))) for row in rows),
    )
    return format_html(
        '<div class="scores" tabindex="0" role="group" aria-label="{}"><table>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        " ".join(head).strip(),
        named,
        body,
    )


def _two(value: Any) -> str:
    if value is None:
        return NONE
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def listed(known: Any) -> SafeString | str:
    """JSON as nested lists: names, and what they hold."""
    if isinstance(known, Mapping):
        rows = [(name, listed(value)) for name, value in known.items()]
        lines = format_html_join("", "<li><b>{}</b> {}</li>", rows)
        return format_html("<ul>{}</ul>", lines) if rows else NONE
    if isinstance(known, list):
        told = [(listed(value),) for value in known[:MOST_LISTED]]
        more = len(known) - len(told)
        return format_html_join("; ", "{}", [*told, (f"and {more:,} more",)] if more else told)
    return f"{known:.4g}" if isinstance(known, float) else str(known)
