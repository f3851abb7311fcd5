"""What the template of an evaluation shows: the endpoint's numbers, drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from inference.bodies import remarks
from inference.models import ModelVersion
from inference.terms import TERMS
from mlops.agreement import Limits, Report, intervals, limits_of, report_of
from mlops.agreement.ratios import or_none
from mlops.agreement.scores import kappa
from mlops.services import evaluation_of_all
from mlops.services.evaluation_of_all import STATISTICS, Counted, EvaluationOfAll
from noctis import charts
from noctis.charts import Bin, Caption
from recordings.stages import SHOWN
from tenants.models import Tenant

# Days, as the address names them; the first is taken unasked.
RANGES = {"90": 90, "7": 7, "30": 30, "366": 366}
# What Bland and Altman's picture is drawn of; the table has all of them.
DRAWN = ("total_sleep_time_min", "sleep_efficiency_pct", "wake_after_sleep_onset_min")
LABELS = {term.name: (term.label, term.unit) for term in TERMS}
SCORES = ("kappa", "accuracy", "balanced_accuracy", "macro_f1", "mcc")
NAMES = {"kappa": "κ", "macro_f1": "macro-F1", "mcc": "MCC"}
MOST_TENANTS = 50
NONE = "-"
Reach = frozenset[int] | None


@dataclass(frozen=True)
class Choice:
    label: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Question:
    days: str
    tenants: Sequence[Tenant]  # to choose from
    tenant: Tenant | None  # chosen

    @classmethod
    def of(cls, request: HttpRequest, reach: Reach) -> "Question":
        """What an address asks for and may; anything else is as if it were not said."""
        rows = Tenant.objects.all() if reach is None else Tenant.objects.filter(pk__in=reach)
        known = list(rows.order_by("slug")[:MOST_TENANTS])
        wanted = request.GET.get("tenant", "")
        chosen = next((tenant for tenant in known if tenant.slug == wanted), None)
        days = request.GET.get("days", "")
        return cls(days if days in RANGES else next(iter(RANGES)), known, chosen)

    def tenant_ids(self, reach: Reach) -> list[int] | None:
        if self.tenant is not None:
            return [self.tenant.pk]
        return None if reach is None else sorted(reach)

    def url(self, **asked: str) -> str:
        kept = {"days": self.days, "tenant": self.tenant.slug if self.tenant else ""} | asked
        return f"?{urlencode({name: value for name, value in kept.items() if value})}"


def sheet_of(model: ModelVersion, request: HttpRequest, reach: Reach) -> dict[str, Any]:
    asked = Question.of(request, reach)
    end = timezone.now()
    found = evaluation_of_all.evaluate_all(
        tenant_ids=asked.tenant_ids(reach),
        model=model,
        start=end - timedelta(days=RANGES[asked.days]),
        end=end,
    )
    report = report_of(found.whole.tally, SHOWN)
    return {
        "mark": _(remarks.mark_of(model.metadata)),
        "typical_error": _(remarks.TYPICAL_ERROR),
        "ranges": [
            Choice(_("%(n)s days") % {"n": days}, asked.url(days=days), days == asked.days)
            for days in sorted(RANGES, key=int)
        ],
        "tenants": list(_tenants(asked)) if len(asked.tenants) > 1 else [],
        "nights": found.whole.tally.nights,
        "sleepers": len(found.details.confusions),
        "scores": list(_scores(found.whole, report)),
        "recent": list(_scores(found.rolling, report_of(found.rolling.tally, SHOWN))),
        "recent_nights": found.rolling.tally.nights,
        "by_stage": [
            [
                name,
                *map(_two, (one.f1, one.precision, one.recall, one.specificity)),
                f"{one.support:,}",
            ]
            for name, one in report.by_stage.items()
        ],
        "limits": list(_limits(found.whole)),
        "pictures": list(_pictures(found, report, asked)),
        "steps": list(_steps(report)),
    }


def _tenants(asked: Question) -> Iterator[Choice]:
    yield Choice(_("all that you may read"), asked.url(tenant=""), asked.tenant is None)
    for tenant in asked.tenants:
        yield Choice(tenant.name, asked.url(tenant=tenant.slug), tenant == asked.tenant)


def _scores(counted: Counted, report: Report) -> Iterator[tuple[str, str, str]]:
    """Label, value, and how sure: by bootstrap over nights."""
    within = intervals(counted.tally.resampled, counted.tally.nights)
    for name in SCORES:
        label = NAMES.get(name, name.replace("_", " "))
        low, high = within[name]
        sure = NONE if low is None else f"95 %: {_two(low)} to {_two(high)}"
        yield label, _two(getattr(report, name)), sure
    means, spreads = counted.tally.by_night.means, counted.tally.by_night.deviations
    spread = or_none(spreads[0])
    told = NONE if spread is None else _("standard deviation %(sd)s") % {"sd": _two(spread)}
    yield _("κ of a night, mean"), _two(or_none(means[0])), told
    yield _("calibration error"), _two(report.expected_calibration_error), _("bar: at most 0.05")
    yield "Brier", _two(report.brier), _("0 is the best, 2 the worst")
    yield _("entropy"), _two(report.entropy_bits), _("bits: 0 certain, 2 undecided")


def _limits(counted: Counted) -> Iterator[list[str]]:
    for name, one in limits_of(counted.differences, STATISTICS).items():
        label, unit = LABELS[name]
        yield [label, f"{one.nights:,}", _one(one.bias, unit), _between(one, unit)]


def _pictures(found: EvaluationOfAll, report: Report, asked: Question) -> Iterator[SafeString]:
    nothing = _("No night of this range was staged by this version and scored by somebody.")
    caption = Caption(
        _("Confusion"), _("Each row adds up to the epochs that scorers call so."), nothing
    )
    yield charts.confusion(caption, SHOWN, report.confusion)
    caption = Caption(_("Calibration"), _("How often it was right, by how sure it was."), nothing)
    bins = [
        Bin(one.above, one.up_to, one.epochs, one.mean_confidence, one.share_right)
        for one in report.calibration
    ]
    yield charts.calibration(caption, bins)
    caption = Caption(_("F1 by stage"), _("Of 1: found, and rightly so."), nothing)
    f1 = {name: one.f1 for name, one in report.by_stage.items()}
    yield charts.ranking(caption, f1, middle=report.macro_f1)
    caption = Caption(
        _("κ by subject"), _("Of all nights of each; of a device's where nobody is named."), nothing
    )
    yield charts.ranking(caption, _by_sleeper(found, asked), middle=report.kappa)
    yield from _bland_altman(found, nothing)


def _by_sleeper(found: EvaluationOfAll, asked: Question) -> dict[str, float | None]:
    """Best first. The same pseudonym in two tenants is two people."""
    slugs = {tenant.pk: tenant.slug for tenant in asked.tenants}
    named = {
        f"{slugs.get(sleeper.tenant_id, sleeper.tenant_id)}/{sleeper.name}"
        if len(asked.tenants) > 1
        else sleeper.name: or_none(kappa(confusion))
        for sleeper, confusion in found.details.confusions.items()
    }
    return dict(sorted(named.items(), key=lambda row: (row[1] is None, -(row[1] or 0.0))))


def _bland_altman(found: EvaluationOfAll, nothing: str) -> Iterator[SafeString]:
    for name in DRAWN:
        label, unit = LABELS[name]
        told = _("Version less scorer, over the mean of both, a point a night.")
        place = STATISTICS.index(name)
        truth, given = np.array(found.details.pairs).reshape(-1, 2, len(STATISTICS))[:, :, place].T
        yield charts.bland_altman(
            Caption(f"Bland and Altman: {label.lower()}", told, nothing),
            truth.tolist(),
            given.tolist(),
            unit,
        )


def _steps(report: Report) -> Iterator[tuple[str, list[list[str]]]]:
    """Transitions within recordings, in percent of those from a stage."""
    for label, counts in (
        (_("Transitions, as scored"), report.truth_transitions),
        (_("Transitions, as given"), report.predicted_transitions),
    ):
        rows = [
            [name, *(f"{100 * to / max(sum(row), 1):.1f} %" for to in row)]
            for name, row in zip(SHOWN, counts, strict=True)
        ]
        yield label, rows


def _two(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _one(value: float | None, unit: str) -> str:
    return NONE if value is None else f"{value:+.1f} {unit}".strip()


def _between(one: Limits, unit: str) -> str:
    if one.lower_limit is None or one.upper_limit is None:
        return NONE
    return f"{one.lower_limit:+.1f} to {one.upper_limit:+.1f} {unit}".strip()
