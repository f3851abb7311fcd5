"""The report on drift, and the parameters that say of which version and which days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from inference import serving
from inference.models import ModelVersion
from inference.refusals import ModelUnavailable
from inference.services import registry
from mlops.models import DriftRun
from mlops.services.drift import Period
from noctis import errors
from noctis.serializers import Body
from tenants.bodies import instant

PARAMETERS = ("model_version", "from", "to")
_DAY = {"type": "string", "format": "date"}
# No night is further away, and days can be counted back from each without an end of the calendar.
EARLIEST, LATEST = date(1970, 1, 1), date(2999, 12, 31)


class FeatureDrift(Body):
    index = serializers.IntegerField()
    name = serializers.CharField()
    psi = serializers.FloatField(allow_null=True, help_text="Less what chance alone adds.")
    psi_training = serializers.FloatField(allow_null=True, help_text="Against the training.")
    z = serializers.FloatField(allow_null=True, help_text="Of the night means.")
    effect = serializers.FloatField(
        allow_null=True, help_text="The same in spreads between nights: what matters, not how sure."
    )
    ks = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True, help_text="Adjusted for the number of features.")
    jensen_shannon = serializers.FloatField(allow_null=True)
    missing = serializers.ListField(
        child=serializers.FloatField(), help_text="The share of gaps now, and before."
    )
    severity = serializers.ChoiceField(DriftRun.Severity.values)


class Flagged(Body):
    index = serializers.IntegerField()
    name = serializers.CharField()


class StageMix(Body):
    psi = serializers.FloatField(allow_null=True)
    kl = serializers.FloatField(allow_null=True)
    labels = serializers.ListField(child=serializers.CharField())
    current = serializers.ListField(child=serializers.FloatField())
    baseline = serializers.ListField(child=serializers.FloatField())


class Drift(Body):
    example = {
        "id": None,
        "model_version": "linear-1",
        "from": "2026-03-01",
        "to": "2026-03-15",
        "baseline_from": "2026-02-01",
        "nights": {"current": 41, "baseline": 80},
        "left_out": {"current": 3, "baseline": 0},
        "severity": "MEDIUM",
        "is_alarm": False,
        "thresholds": {"psi": 0.2, "kl": 0.1, "z": 3.0},
        "flagged_features": [{"index": 3, "name": "hr_mean"}],
        "stage_mix": {
            "psi": 0.01,
            "kl": 0.004,
            "labels": ["W", "Light", "Deep", "REM"],
            "current": [0.14, 0.52, 0.14, 0.2],
            "baseline": [0.15, 0.5, 0.15, 0.2],
        },
        "confidence_z": -0.4,
        "features": [
            {
                "index": 3,
                "name": "hr_mean",
                "psi": 0.24,
                "psi_training": 0.3,
                "z": 4.1,
                "effect": 0.6,
                "ks": 0.41,
                "p": 0.02,
                "jensen_shannon": 0.03,
                "missing": [0.02, 0.03],
                "severity": "MEDIUM",
            }
        ],
        "computed_at": "2026-03-15T10:20:00Z",
    }

    id = serializers.UUIDField(allow_null=True, help_text="Null: computed for this answer alone.")
    model_version = serializers.CharField()
    to = serializers.DateField(help_text="The day after the last night that was looked at.")
    baseline_from = serializers.DateField()
    nights = serializers.DictField(
        child=serializers.IntegerField(), help_text="Of devices that have nights on both sides."
    )
    left_out = serializers.DictField(
        child=serializers.IntegerField(), help_text="Of devices that came or went meanwhile."
    )
    severity = serializers.ChoiceField(DriftRun.Severity.values)
    is_alarm = serializers.BooleanField(help_text="Two of the last three runs were not LOW.")
    thresholds = serializers.DictField(child=serializers.FloatField())
    flagged_features = Flagged(many=True)
    stage_mix = StageMix()
    confidence_z = serializers.FloatField(allow_null=True)
    features = FeatureDrift(many=True)
    computed_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"from": serializers.DateField()}


@dataclass(frozen=True)
class _Asked:
    days: dict[str, date]
    problems: list[errors.Problem]


def described() -> list[OpenApiParameter]:
    """The same parameters for the document."""
    return [
        OpenApiParameter("model_version", str, description="What serves the night pass, if none."),
        OpenApiParameter("from", _DAY, description="First night; 14 days before `to` if none."),
        OpenApiParameter("to", _DAY, description="The day after the last night; today if none."),
    ]


def read(query: Mapping[str, str]) -> tuple[ModelVersion, Period | None]:
    """The version and the days; without days whatever was looked at last."""
    asked = _days(query)
    if asked.problems:
        raise errors.Invalid(problems=asked.problems)
    return named_or_serving(query.get("model_version")), _period(asked.days)


def _days(query: Mapping[str, str]) -> _Asked:
    asked = _Asked({}, [])
    for name in ("from", "to"):
        if name not in query:
            continue
        try:
            day = date.fromisoformat(query[name])
        except ValueError:
            asked.problems.append(errors.Problem(f"?{name}", "invalid", "expected YYYY-MM-DD"))
            continue
        if EARLIEST <= day <= LATEST:
            asked.days[name] = day
        else:
            told = f"a day from {EARLIEST} to {LATEST}"
            asked.problems.append(errors.Problem(f"?{name}", "out_of_range", told))
    if len(asked.days) == 2 and not asked.days["from"] < asked.days["to"]:
        asked.problems.append(errors.Problem("?to", "invalid", "not after `from`"))
    return asked


def _period(days: dict[str, date]) -> Period | None:
    if not days:
        return None
    span = timedelta(days=settings.DRIFT_CURRENT_DAYS)
    until = days.get("to") or min(days["from"] + span, timezone.now().date())
    current_from = days.get("from") or until - span
    before = timedelta(days=settings.DRIFT_BASELINE_DAYS)
    return Period(current_from - before, current_from, until)


def named_or_serving(version: str | None) -> ModelVersion:
    """The version named, or the one that serves the night pass."""
    if version is not None:
        return registry.version_named(version)
    served = serving.current().night
    if served is None:
        raise ModelUnavailable(retry_after_s=1)
    return registry.version_named(served.version)


def drift(run: DriftRun) -> dict[str, Any]:
    """A run as it was kept, or one that was computed for this answer."""
    told = run.report
    features = told["features"]
    return {
        "id": run.uuid if run.pk else None,
        "model_version": run.model.version,
        "from": run.current_from,
        "to": run.until,
        "baseline_from": run.baseline_from,
        "nights": {"current": run.current_nights, "baseline": run.baseline_nights},
        "left_out": dict(zip(("current", "baseline"), told["left_out"], strict=True)),
        "severity": run.severity,
        "is_alarm": run.is_alarm,
        "thresholds": {
            "psi": settings.DRIFT_PSI_THRESHOLD,
            "kl": settings.DRIFT_KL_THRESHOLD,
            "z": settings.DRIFT_Z_THRESHOLD,
        },
        "flagged_features": [
            {"index": row["index"], "name": row["name"]}
            for row in features
            if row["name"] in told["flagged"]
        ],
        "stage_mix": {
            "psi": told["stage_psi"],
            "kl": told["stage_kl"],
            "labels": run.model.metadata["labels"],
            "current": told["stages"][0],
            "baseline": told["stages"][1],
        },
        "confidence_z": told["confidence_z"],
        "features": features,
        "computed_at": instant(run.created_at),
    }
