"""A drift report to read: what is the case, how far each feature moved, and what changed then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mlops.drift import Nights, Reference
from mlops.models import DriftRun
from mlops.services.drift_views import Happening, View
from noctis import charts
from noctis.charts import Caption, Series, Threshold

NONE = "-"
MOST_PICTURES = 6
# Without any that is flagged, those that moved most.
FEWEST_PICTURES = 3
ORDER = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}


@dataclass(frozen=True)
class Row:
    name: str
    severity: str
    cells: Sequence[str]


def verdict(run: DriftRun) -> str:
    """The one sentence that somebody in a hurry reads."""
    counts = {"now": run.current_nights, "before": run.baseline_nights}
    if run.severity == DriftRun.Severity.INSUFFICIENT:
        return (
            _("Nothing can be said: %(now)s nights against %(before)s, and ten a side are needed.")
            % counts
        )
    if run.severity == DriftRun.Severity.LOW:
        return (
            _("Nothing has moved that matters: %(now)s nights are like the %(before)s before them.")
            % counts
        )
    return f"{_moved(run)} {_lasting(run)}"


def _moved(run: DriftRun) -> str:
    flagged = sorted(
        (row for row in run.report.get("features", ()) if row["severity"] in ("MEDIUM", "HIGH")),
        key=lambda row: -abs(row["effect"] or 0.0),
    )
    if not flagged:
        return _("The stages or the confidence have moved, and no feature on its own.")
    first = flagged[0]
    told = {"name": first["name"], "level": run.severity, "more": len(flagged) - 1}
    effect = first["effect"]
    text = _("%(name)s has moved (%(level)s)") % told
    if effect is not None:
        direction = _("up") if effect > 0 else _("down")
        text += _(", %(direction)s by %(effect).1f times what nights differ by") % {
            "direction": direction,
            "effect": abs(effect),
        }
    if told["more"]:
        more = ngettext("and %(more)s other feature", "and %(more)s other features", told["more"])
        text += f", {more % told}"
    return f"{text}."


def _lasting(run: DriftRun) -> str:
    if run.is_alarm:
        return _("It lasts: two of the last three comparisons say so.")
    return _("One comparison alone may be chance: it is an alarm when two of three say so.")


def stages_told(run: DriftRun) -> list[tuple[str, str]]:
    """Beside the features: the mix of stages and the confidence."""
    report = run.report
    return [
        (_("stage mix, PSI"), _number(report.get("stage_psi"))),
        (_("stage mix, KL"), _number(report.get("stage_kl"))),
        (_("confidence, Z"), _number(report.get("confidence_z"))),
    ]


HEAD = ("effect", "Z", "PSI", "PSI to training", "KS", "p", "JS", "missing now", "before")
KEYS = ("effect", "z", "psi", "psi_training", "ks", "p", "jensen_shannon")


def rows(run: DriftRun) -> list[Row]:
    """The worst first; of alike ones the larger effect."""
    known = sorted(
        run.report.get("features", ()),
        key=lambda row: (ORDER.get(row["severity"], 3), -abs(row["effect"] or 0.0)),
    )
    return [
        Row(
            row["name"],
            row["severity"],
            [
                *(_number(row[key]) for key in KEYS),
                *(f"{100 * one:.0f} %" for one in row["missing"]),
            ],
        )
        for row in known
    ]


def pictures(run: DriftRun, view: View) -> list[SafeString]:
    """Of what is flagged, or of what moved most: now, before, and in training."""
    reference = view.reference
    if reference is None:
        return []
    told = [row for row in rows(run) if row.severity in ("MEDIUM", "HIGH")][:MOST_PICTURES]
    told = told or rows(run)[:FEWEST_PICTURES]
    names = [row.name for row in told if row.name in reference.features]
    return [_pair(reference, name, view.current, view.baseline) for name in names]


def _pair(reference: Reference, name: str, current: Nights, baseline: Nights) -> SafeString:
    place = reference.features.index(name)
    inner = reference.edges[place][np.isfinite(reference.edges[place])]
    bins = len(inner) + 1
    shares = {
        _("now"): current.shares[place][:bins],
        _("before"): baseline.shares[place][:bins],
        _("training"): reference.shares[place][:bins],
    }
    known = {who: np.nan_to_num(row).tolist() for who, row in shares.items()}
    says = _("Shares of the epochs between the tenths of training; the outer ones are open.")
    return charts.histogram_pair(Caption(name, says), _ends(inner), known)


def _ends(inner: Any) -> list[float]:
    """The open ends are drawn as wide as their neighbours."""
    if not len(inner):
        return [0.0, 1.0]
    if len(inner) == 1:
        return [float(inner[0]) - 1, float(inner[0]), float(inner[0]) + 1]
    first, last = inner[1] - inner[0], inner[-1] - inner[-2]
    return [float(inner[0] - first), *map(float, inner), float(inner[-1] + last)]


def trend(view: View, threshold: float) -> SafeString:
    """The largest PSI of each run, oldest first."""
    runs = list(reversed(view.runs))
    psi = [_largest(run) for run in runs]
    columns = [f"{run.until:%d %b}" for run in runs]
    caption = Caption(_("Largest PSI of a feature"), _("Of each comparison, the newest last."))
    line = Series(columns, {"PSI": psi}, threshold=Threshold(_("MEDIUM"), threshold))
    return charts.line(caption, line)


def _largest(run: DriftRun) -> float | None:
    known = [row["psi"] for row in run.report.get("features", ()) if row["psi"] is not None]
    return max(known, default=None)


def happenings(found: Sequence[Happening]) -> Iterator[tuple[str, str]]:
    """What else changed within the days that are compared."""
    return ((f"{one.at:%Y-%m-%d %H:%M} UTC", one.says) for one in found)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3g}"
