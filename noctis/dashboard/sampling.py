"""The web processes' counters, which forget, as rows of five minutes and of an hour.

Knows no page. Safe to repeat: what came since the last look is added once, under the mark's lock.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from noctis.models import Traffic, TrafficMark

Totals = dict[str, float]
ANSWERS = "django_http_responses_total_by_status_view_method_total"
# Any request at all, probes included: the web that shares no numbers with us shows none.
SEEN = "django_http_responses_before_middlewares_total"
PREDICTING = "inference_duration_seconds_bucket"
SIGN_IN_REASONS = ("sign_in", "second_factor")
PLAIN = {
    "ingest_requests_total": "batches",
    "ingest_failures_total": "batches_refused",
    "ingested_epochs_total": "epochs",
    "db_circuit_open_total": "circuit_opened",
}
NOT_THE_API = frozenset({"static", "healthz", "readyz", "metrics", "landing"})
# Long enough for a page to compare its longest range with the one before.
KEPT = {Traffic.SHORT: timedelta(days=3), Traffic.LONG: timedelta(days=62)}


def sample(*, registry: CollectorRegistry, at: datetime) -> bool:
    """Add what was counted since the last look; False where the web's counters are not seen."""
    now = totals(registry)
    if not now.get(SEEN):
        return False
    with transaction.atomic():
        TrafficMark.objects.bulk_create([TrafficMark(at=at)], ignore_conflicts=True)
        mark = TrafficMark.objects.select_for_update().get(pk=TrafficMark.ONLY)
        came = since(mark.totals, now)
        for minutes in KEPT:
            _add(minutes, came, at)
        mark.totals, mark.at = now, at
        mark.save(update_fields=["totals", "at"])
    return True


def forget(*, at: datetime) -> None:
    """Delete the spans that no page compares any more."""
    for minutes, kept in KEPT.items():
        Traffic.objects.filter(minutes=minutes, at__lt=at - kept).delete()


def totals(registry: CollectorRegistry) -> Totals:
    """What is counted, as numbers by name; the histogram's buckets each have one."""
    found: Totals = {}
    for family in registry.collect():
        for name, value in _named(family.samples):
            found[name] = found.get(name, 0) + value
    return found


def _named(samples: Iterable[Sample]) -> Iterable[tuple[str, float]]:
    for one in samples:
        if name := _name_of(one):
            yield name, one.value


def _name_of(one: Sample) -> str | None:
    if one.name == ANSWERS:
        return _outcome(one.labels["status"]) if _is_api(one.labels["view"]) else None
    if one.name == PREDICTING:
        return f"le {one.labels['le']}"
    if one.name == "auth_failures_total":
        return "sign_ins_refused" if one.labels["reason"] in SIGN_IN_REASONS else None
    return SEEN if one.name == SEEN else PLAIN.get(one.name)


def _is_api(view: str) -> bool:
    return not view.startswith("admin:") and view not in NOT_THE_API


def _outcome(status: str) -> str:
    return {"4": "refused", "5": "failed"}.get(status[:1], "answered")


def since(before: Totals, now: Totals) -> Totals:
    """What was added; a counter that became smaller began anew with its process."""
    added = {}
    for name, value in now.items():
        known = before.get(name, 0.0)
        added[name] = value - known if value >= known else value
    return added


def _add(minutes: int, came: Totals, at: datetime) -> None:
    start = _start_of(minutes, at)
    span, _ = Traffic.objects.get_or_create(minutes=minutes, at=start)
    counted = {
        name: F(name) + int(came[name])
        for name in ("answered", "refused", "failed", "sign_ins_refused", *PLAIN.values())
        if name in came
    }
    held, new = span.predicting, buckets_of(came)
    summed = [a + b for a, b in zip(held, new, strict=True)] if held and new else held or new
    Traffic.objects.filter(pk=span.pk).update(**counted, predicting=summed)


def _start_of(minutes: int, at: datetime) -> datetime:
    past = timedelta(minutes=at.minute % minutes, seconds=at.second, microseconds=at.microsecond)
    return at - past


def buckets_of(came: Totals) -> list[int]:
    """The histogram's buckets are counted as "at most"; here each has its own share."""
    bounds = sorted((name for name in came if name.startswith("le ")), key=_bound)
    at_most = [int(came[name]) for name in bounds]
    return [count - below for count, below in zip(at_most, [0, *at_most], strict=False)]


def _bound(name: str) -> float:
    return float(name.removeprefix("le "))
