"""Versions that were judged: rows as a run of gates leaves them, passed unless told otherwise."""

from typing import Any

from django.utils import timezone

from inference.models import Serving
from inference.services import registry
from mlops.models import GateRun
from recordings.stages import SHOWN
from tests.factories import PlatformFactory


def report(**pair: Any) -> dict[str, Any]:
    """Of 20 nights of 5 people, well above every threshold."""
    scores = {
        "kappa": 0.6,
        "macro_f1": 0.6,
        "expected_calibration_error": 0.02,
        "by_stage": {"recall": dict.fromkeys(SHOWN, 0.5)},
        "kappa_interval": [0.55, 0.65],
    }
    return {
        "nights": 20,
        "people": 5,
        "pairs": {"candidate against truth": scores | pair},
        "lines": {"candidate": {"latency_ms": {"p50": 4.0, "p95": 5.0}}},
        "over_null": {"kappa": 0.4, "interval": [0.3, 0.5], "units": 5},
        "over_incumbent": {"kappa": 0.1, "interval": [0.05, 0.15], "units": 5},
    }


def judge(version: str, found: dict[str, Any] | None = None) -> list[GateRun]:
    """Beside what serves now."""
    row, now = registry.version_named(version), timezone.now()
    serving = {place.family: place.version for place in Serving.objects.select_related("version")}
    return [
        GateRun.objects.create(
            tenant=PlatformFactory(),
            scope=GateRun.Scope.PLATFORM,
            model=row,
            family=family,
            incumbent=serving.get(family),
            status=GateRun.Status.DONE,
            progress=1,
            report=found or report(),
            requested_by="a test",
            finished_at=now,
        )
        for family in row.families
    ]
