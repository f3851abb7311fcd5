"""The numbers of a night for people: each with its unit, how sure it is, and what it means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from inference.bodies import remarks
from inference.models import Hypnogram
from inference.terms import TERMS, Term
from mlops.agreement import Report
from mlops.services.night_views import Line, NightView, agreement_of
from recordings.stages import SHOWN

UNKNOWN = "unknown"
# The typical error of a night's minutes in a stage, whatever the model: docs/system-design.md.
TYPICAL_ERROR_MIN = 30
UNSURE_STAGES = ("Deep", "REM")
BARELY_KNOWN_PCT = 80


# What is looked at first.
HEADLINE = (
    "total_sleep_time_min",
    "first_sleep_at",
    "last_sleep_at",
    "sleep_efficiency_pct",
    "sleep_onset_latency_min",
    "wake_after_sleep_onset_min",
    "minutes_by_stage.Deep",
    "minutes_by_stage.REM",
)


@dataclass(frozen=True)
class Figure:
    key: str
    label: str
    value: SafeString | str
    sure: str

    @property
    def term(self) -> str:
        """The name of what says what it means."""
        return self.key.split(".")[0]

    @property
    def is_headline(self) -> bool:
        return self.key in HEADLINE


def figures(hypnogram: Hypnogram, zone: ZoneInfo) -> list[Figure]:
    """Every statistic of the night, then its stages."""
    known = hypnogram.statistics
    rows = [_figure(term, known, zone) for term in TERMS if term.name in known]
    return [*rows, *_stages(known)]


def headline(rows: Sequence[Figure]) -> list[Figure]:
    found = {figure.key: figure for figure in rows}
    return [found[key] for key in HEADLINE if key in found]


def others(rows: Sequence[Figure]) -> list[Figure]:
    """What the headline has not said."""
    return [figure for figure in rows if not figure.is_headline]


def _figure(term: Term, known: Mapping[str, Any], zone: ZoneInfo) -> Figure:
    value = known[term.name]
    if value is None:
        return Figure(term.name, term.label, UNKNOWN, _why_unknown(known))
    if term.name.endswith("_at"):
        sure = _("to an epoch, as far as its stages are right")
        return Figure(term.name, term.label, _clock(datetime.fromisoformat(value), zone), sure)
    return Figure(term.name, term.label, _told(value, term.unit), _sure(term, known))


def _why_unknown(known: Mapping[str, Any]) -> str:
    if not known["total_sleep_time_min"]:
        return _("no epoch was staged as sleep")
    return _("a gap may hide it, or it did not happen")


def _sure(term: Term, known: Mapping[str, Any]) -> str:
    gaps = known["unknown_min"]
    if not gaps:
        return _("no gap in the night")
    if term.is_at_least:
        most = known["unknown_min"] if term.unit == "min" else None
        more = _("at most %(most)s more") % {"most": minutes(most)} if most else _("maybe more")
        return _("at least; %(more)s in the gaps") % {"more": more}
    return _("gaps of %(gaps)s left out") % {"gaps": minutes(gaps)}


def _stages(known: Mapping[str, Any]) -> Iterator[Figure]:
    for name in SHOWN:
        share = known["percent_of_sleep"].get(name)
        sure = _("at least") if known["unknown_min"] else _("no gap in the night")
        if name in UNSURE_STAGES:
            sure = _("typically off by ±%(error)s min") % {"error": TYPICAL_ERROR_MIN}
        told = sure if share is None else f"{share:.0f} % of sleep; {sure}"
        label = _("Minutes of %(stage)s") % {"stage": name}
        value = minutes(known["minutes_by_stage"][name])
        yield Figure(f"minutes_by_stage.{name}", label, value, told)


def _clock(at: datetime, zone: ZoneInfo) -> SafeString:
    """The time of day alone: of which night it is stands above."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
        f"{at.astimezone(zone):%H:%M %Z}",
    )


def _told(value: float, unit: str) -> str:
    if unit == "min":
        return minutes(value)
    digits = 0 if float(value).is_integer() or unit == "%" else 1
    return f"{value:.{digits}f} {unit}".strip()


def minutes(value: float) -> str:
    """Hours and minutes where there are hours; halves are kept."""
    hours, rest = divmod(value, 60)
    told = f"{rest:g} min"
    return f"{hours:.0f} h {told}" if hours else told


@dataclass(frozen=True)
class Agreement:
    """One answer against the truth, or two answers against each other."""

    name: str
    report: Report

    @property
    def scores(self) -> list[tuple[str, str]]:
        report = self.report
        return [
            ("κ", _two(report.kappa)),
            (_("macro-F1"), _two(report.macro_f1)),
            (_("accuracy"), _two(report.accuracy)),
            (_("epochs that both know"), f"{report.compared_epochs:,}"),
        ]

    @property
    def by_stage(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (name, _two(one.f1), _two(one.precision), _two(one.recall), f"{one.support:,}")
            for name, one in self.report.by_stage.items()
        ]


def _two(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


def agreements(view: NightView) -> list[Agreement]:
    """Each answer against the truth where there is one, else the two against each other."""
    given = [line for line in (view.main, view.against) if line is not None]
    if view.truth is not None:
        truth = view.truth
        return [Agreement(line.name, agreement_of(truth=truth, given=line)) for line in given]
    return []


def likeness(main: Line | None, against: Line | None) -> Agreement | None:
    """How alike two versions are; neither is the truth."""
    if main is None or against is None:
        return None
    return Agreement(against.name, agreement_of(truth=against, given=main))


def doubts(view: NightView) -> Sequence[str]:
    """What a reader must know before she trusts the night."""
    hypnogram = view.hypnogram
    if hypnogram is None:
        return ()
    told = []
    if hypnogram.disposition == hypnogram.Disposition.IMPLAUSIBLE:
        known = remarks.plausibility_of(hypnogram)
        told.append(f"{_(remarks.IMPLAUSIBLE)} ({known})")
    coverage = 100 * hypnogram.coverage
    if coverage < BARELY_KNOWN_PCT:
        told.append(_("Only %(share).0f %% of the night has a stage.") % {"share": coverage})
    if view.recording.status == view.recording.Status.CLOSED:
        told.append(_("Epochs came after it was staged: it is due to be staged again."))
    if view.recording.epoch_count and not view.epochs:
        told.append(_("Its epochs are past their retention: the signals cannot be shown."))
    return told
