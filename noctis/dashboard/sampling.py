"""The web processes' counters, which forget, as rows of a minute, of five and of an hour.

Knows no page. Safe to repeat: what came since the last look is added once, under the mark's lock.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from noctis import errors, histograms, metrics
from noctis.models import Traffic, TrafficMark

Totals = dict[str, float]
ANSWERS = "django_http_responses_total_by_status_view_method_total"
# Any request at all, probes included: the web that shares no numbers with us shows none.
SEEN = "django_http_responses_before_middlewares_total"
HISTOGRAMS = {
    "inference_duration_seconds_bucket": "predicting",
    "db_commit_latency_seconds_bucket": "committing",
}
SIGN_IN_REASONS = ("sign_in", "second_factor")
PLAIN = {
    "ingest_requests_total": "batches",
    "ingest_failures_total": "batches_refused",
    "ingested_epochs_total": "epochs",
    "db_circuit_open_total": "circuit_opened",
    "model_reload_success_total": "reloads",
    "model_reload_failure_total": "reloads_failed",
}
COUNTED = ("answered", "refused", "failed", "sign_ins_refused", "batches_failed", *PLAIN.values())
NOT_THE_API = frozenset({"static", "healthz", "readyz", "metrics", "landing"})
# Long enough for a page to compare its longest range with the one before.
KEPT = {
    # The longest that an objective looks back, and an hour.
    Traffic.MINUTE: timedelta(hours=25),
    Traffic.SHORT: timedelta(days=3),
    Traffic.LONG: timedelta(days=62),
}


def sample(*, registry: CollectorRegistry, at: datetime) -> bool:
    """Add what was counted since the last look; False where the web's counters are not seen."""
    now = totals(registry)
    if not now.get(SEEN):
        return False
    with transaction.atomic():
        TrafficMark.objects.bulk_create([TrafficMark(at=at)], ignore_conflicts=True)
        mark = TrafficMark.objects.select_for_update().get(pk=TrafficMark.ONLY)
        came, passed_s = since(mark.totals, now), (at - mark.at).total_seconds()
        for minutes in KEPT:
            _add(minutes, came, at)
        mark.totals, mark.at = now, at
        mark.save(update_fields=["totals", "at"])
    if passed_s > 0:
        metrics.DEVICE_INGEST_RATE.set(came.get("epochs", 0.0) / passed_s)
    return True


def forget(*, at: datetime) -> None:
    """Delete the spans that no page compares any more."""
    for minutes, kept in KEPT.items():
        Traffic.objects.filter(minutes=minutes, at__lt=at - kept).delete()


def totals(registry: CollectorRegistry) -> Totals:
    """What is counted, as numbers by name; the histogram's buckets each have one."""
    found: Totals = {}
    for family in registry.collect():
        for one in family.samples:
            for name in _names_of(one):
                found[name] = found.get(name, 0) + one.value
    return found


def _names_of(one: Sample) -> Iterator[str]:
    """What a sample adds to: nothing, one number, or two."""
    if one.name in (SEEN, *PLAIN):
        yield PLAIN.get(one.name, SEEN)
    if one.name in HISTOGRAMS:
        yield f"{HISTOGRAMS[one.name]} {one.labels['le']}"
    elif one.name == ANSWERS and _is_api(one.labels["view"]):
        yield _outcome(one.labels["status"])
    elif one.name == "auth_failures_total" and one.labels["reason"] in SIGN_IN_REASONS:
        yield "sign_ins_refused"
    elif one.name == "ingest_failures_total" and _is_ours(one.labels["code"]):
        yield "batches_failed"


def _is_ours(code: str) -> bool:
    """A batch that the caller got wrong is refused as it should be: no failure of the platform."""
    return code not in errors.CODES or errors.CODES[code].status >= 500


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
    counted = {name: F(name) + int(came[name]) for name in COUNTED if name in came}
    buckets = {
        name: histograms.summed([getattr(span, name), buckets_of(came, name)])
        for name in HISTOGRAMS.values()
    }
    Traffic.objects.filter(pk=span.pk).update(**counted, **buckets)


def _start_of(minutes: int, at: datetime) -> datetime:
    past = timedelta(minutes=at.minute % minutes, seconds=at.second, microseconds=at.microsecond)
    return at - past


def buckets_of(came: Totals, histogram: str) -> list[int]:
    """A histogram's buckets are counted as "at most"; here each has its own share."""
    known = {
        float(name.removeprefix(f"{histogram} ")): int(count)
        for name, count in came.items()
        if name.startswith(f"{histogram} ")
    }
    at_most = [known[bound] for bound in sorted(known)]
    return [count - below for count, below in zip(at_most, [0, *at_most], strict=False)]
