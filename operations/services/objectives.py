"""Objectives are evaluated each minute, out of what all processes counted, and kept."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from noctis import histograms, metrics
from noctis.models import Traffic
from operations.models import Objective, ObjectiveReading
from operations.objectives import AIMS, WINDOWS, Aim, Happened, Measured

KEPT = timedelta(days=7)
COLUMNS = (
    *("at", "predicting", "committing"),
    *("batches", "batches_failed", "reloads", "reloads_failed"),
)
Span = tuple[Any, ...]


def evaluate(*, at: datetime) -> list[Objective]:
    """Say how every objective stands over each window. Safe to repeat within a minute."""
    minute = at.replace(second=0, microsecond=0)
    happened = {name: _happened(spans) for name, spans in _spans(minute).items()}
    with transaction.atomic():
        found = [_kept(aim, happened, minute) for aim in AIMS]
        ObjectiveReading.objects.filter(at__lt=minute - KEPT).delete()
    _tell(found, at)
    return found


def _spans(minute: datetime) -> dict[str, Sequence[Span]]:
    """The whole minutes of each window; the one at hand has only begun."""
    spans = Traffic.objects.filter(minutes=Traffic.MINUTE, at__lt=minute)
    longest = max(WINDOWS.values())
    rows = list(spans.filter(at__gte=minute - longest).values_list(*COLUMNS))
    return {
        name: [row for row in rows if row[0] >= minute - length] for name, length in WINDOWS.items()
    }


def _happened(spans: Iterable[Span]) -> Happened:
    columns = [list(column) for column in zip(*spans, strict=True)]
    if not columns:
        return Happened()
    _, predicting, committing, *counted = columns
    return Happened(
        histograms.summed(predicting), histograms.summed(committing), *map(sum, counted)
    )


def _kept(aim: Aim, happened: dict[str, Happened], minute: datetime) -> Objective:
    target: float = getattr(settings, aim.setting)
    measured = {window: aim.measure(found, target) for window, found in happened.items()}
    now = {window: _told(aim, found, target) for window, found in measured.items()}
    is_broken = all(now[window]["is_met"] is False for window in ("5m", "1h"))
    row, _ = Objective.objects.update_or_create(
        name=aim.name,
        defaults={"target": target, "evaluated_at": minute, "now": now, "is_broken": is_broken},
    )
    ObjectiveReading.objects.bulk_create(
        [_reading(row, window, minute, told) for window, told in now.items()],
        update_conflicts=True,
        unique_fields=["objective", "window", "at"],
        update_fields=["total", "bad", "value", "spent"],
    )
    return row


def _told(aim: Aim, found: Measured, target: float) -> dict[str, Any]:
    return {
        "total": found.total,
        "bad": found.bad,
        "value": found.value,
        "spent": found.spent(aim.allows(target)),
        "is_met": None if found.value is None else aim.is_met(found.value, target),
    }


def _reading(
    row: Objective, window: str, minute: datetime, told: dict[str, Any]
) -> ObjectiveReading:
    known = {name: told[name] for name in ("total", "bad", "value", "spent")}
    return ObjectiveReading(objective=row, window=window, at=minute, **known)


def _tell(found: Sequence[Objective], at: datetime) -> None:
    """Set the metrics: what is not known is not a number, so that no alert compares it."""
    for row in found:
        metrics.OBJECTIVE_TARGET.labels(objective=row.name).set(row.target)
        for window, told in row.now.items():
            labels = {"objective": row.name, "window": window}
            metrics.OBJECTIVE_VALUE.labels(**labels).set(_number(told["value"]))
            metrics.OBJECTIVE_BUDGET_SPENT.labels(**labels).set(_number(told["spent"]))
    by_name = {row.name: row.now["5m"]["value"] for row in found}
    metrics.INFERENCE_P95.set(_number(by_name["inference_p95"]))
    metrics.INFERENCE_P99.set(_number(by_name["inference_p99"]))
    metrics.OBJECTIVES_EVALUATED.set(at.timestamp())


def _number(value: float | None) -> float:
    return math.nan if value is None else value
