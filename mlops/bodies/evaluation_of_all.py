"""The body of a version's evaluation over all scored nights, and the parameters of its question."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from inference.models import ModelVersion
from mlops.agreement import intervals, limits_of, report_of
from mlops.agreement.ratios import or_none
from mlops.agreement.tally import BY_NIGHT
from mlops.bodies.drift import named_or_serving
from mlops.bodies.evaluation import CalibrationBin, StageScores, matrix, score
from mlops.services.evaluation_of_all import STATISTICS, Counted, EvaluationOfAll
from noctis import errors
from noctis.serializers import Body
from recordings.bodies import epochs_read
from recordings.stages import SHOWN
from tenants.bodies import instant
from tenants.callers import Caller
from tenants.models import Tenant
from tenants.roles import Capability

ALL = "all"
LONGEST = timedelta(days=366)
# No night ended before; days can be counted back from here without an end of the calendar.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
BY_DEFAULT = timedelta(days=90)
PARAMETERS = {
    "model_version": "The version; the one that serves the night pass if absent.",
    "from": "Nights that began at this instant or later; 90 days before `to` if absent.",
    "to": "Nights that began before this instant; now if absent. At most 366 days after `from`.",
    "tenant": "The platform's administrators only: a tenant's slug, or `all`.",
}


class NightSpread(Body):
    mean = score()
    standard_deviation = score()


class BiasWithLimits(Body):
    nights = serializers.IntegerField()
    bias = score("Given less true.")
    standard_deviation = score()
    lower_limit = score("Of agreement, 95 %.")
    upper_limit = score()


class Agreement(Body):
    """Every term and its formula stand in docs/glossary.md."""

    nights = serializers.IntegerField()
    compared_epochs = serializers.IntegerField()
    accuracy = score()
    balanced_accuracy = score()
    kappa = score("Cohen's.")
    macro_f1 = score()
    mcc = score()
    brier = score()
    expected_calibration_error = score()
    entropy_bits = score()
    intervals = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True)),
        help_text="95 %, by bootstrap over nights; null below two.",
    )
    by_night = serializers.DictField(child=NightSpread())
    by_stage = serializers.DictField(child=StageScores())
    confusion = matrix("Rows are the truth, columns what was predicted, in the order of `stages`.")
    calibration = CalibrationBin(many=True)
    truth_transitions = matrix("Pairs of neighbours within nights.")
    predicted_transitions = matrix("The same of what was predicted.")
    statistics = serializers.DictField(child=BiasWithLimits())


_EXAMPLE = {
    "nights": 12,
    "compared_epochs": 11_240,
    "accuracy": 0.63,
    "balanced_accuracy": 0.58,
    "kappa": 0.39,
    "macro_f1": 0.57,
    "mcc": 0.4,
    "brier": 0.52,
    "expected_calibration_error": 0.03,
    "entropy_bits": 1.31,
    "intervals": {"kappa": [0.33, 0.45]},
    "by_night": {"kappa": {"mean": 0.38, "standard_deviation": 0.13}},
    "by_stage": {
        "W": {"precision": 0.6, "recall": 0.5, "f1": 0.55, "specificity": 0.96, "support": 912}
    },
    "confusion": [[456, 400, 20, 36], [210, 4400, 900, 754], [9, 700, 1100, 20], [40, 800, 30, 1]],
    "calibration": [
        {
            "above": 0.9,
            "up_to": 1.0,
            "epochs": 640,
            "mean_confidence": 0.94,
            "share_right": 0.95,
        }
    ],
    "truth_transitions": [[860, 52, 0, 0], [60, 6100, 70, 30], [4, 60, 1760, 5], [9, 24, 0, 838]],
    "predicted_transitions": [[700, 9, 0, 0], [8, 6200, 60, 30], [0, 60, 1980, 0], [2, 25, 0, 780]],
    "statistics": {
        "total_sleep_time_min": {
            "nights": 12,
            "bias": 11.5,
            "standard_deviation": 24.0,
            "lower_limit": -35.5,
            "upper_limit": 58.5,
        }
    },
}


class EvaluationOfAllBody(Agreement):
    example = {
        "model_version": "linear-1",
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-05-30T00:00:00Z",
        "stages": list(SHOWN),
        **_EXAMPLE,
        "rolling_7_days": {"from": "2026-05-23T00:00:00Z", **_EXAMPLE, "nights": 3},
    }

    model_version = serializers.CharField()
    stages = serializers.ListField(child=serializers.ChoiceField(SHOWN))
    rolling_7_days = Agreement(help_text="Of the nights of the seven days before `to`.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of the language."""
        ends = {name: serializers.DateTimeField() for name in ("from", "to")}
        return super().get_fields() | ends


@dataclass(frozen=True)
class Question:
    tenant: Tenant | None
    model: ModelVersion
    start: datetime
    end: datetime


def described() -> list[OpenApiParameter]:
    return [OpenApiParameter(name, str, description=text) for name, text in PARAMETERS.items()]


def read(query: Mapping[str, str], caller: Caller) -> Question:
    """Whose nights, of which version, of when; or everything that is wrong with the question."""
    asked = epochs_read.wanted({name: query[name] for name in ("from", "to") if name in query})
    end = asked.end or timezone.now()
    if end < EARLIEST:
        raise errors.Invalid(problems=[errors.Problem("?to", "out_of_range", "1970 or later")])
    start = asked.start or end - BY_DEFAULT
    if not timedelta(0) <= end - start <= LONGEST:
        problem = errors.Problem("?from", "out_of_range", "at most 366 days before `to`")
        raise errors.Invalid(problems=[problem])
    return Question(
        _tenant(query.get("tenant"), caller),
        named_or_serving(query.get("model_version")),
        start.astimezone(UTC),
        end.astimezone(UTC),
    )


def _tenant(slug: str | None, caller: Caller) -> Tenant | None:
    """The caller's own, or, for whoever runs the platform, one by name or all."""
    if slug is None:
        return caller.tenant
    if not caller.may(Capability.PLATFORM):
        raise errors.Forbidden("`tenant` is for the platform's administrators.")
    if slug == ALL:
        return None
    found: Tenant | None = Tenant.objects.filter(slug=slug).first()
    if found is None:
        raise errors.Missing
    return found


def evaluation(found: EvaluationOfAll) -> dict[str, Any]:
    return {
        "model_version": found.model.version,
        "from": instant(found.start),
        "to": instant(found.end),
        "stages": list(SHOWN),
        **_agreement(found.whole),
        "rolling_7_days": {"from": instant(found.rolling_start), **_agreement(found.rolling)},
    }


def _agreement(counted: Counted) -> dict[str, Any]:
    tally = counted.tally
    moments = zip(tally.by_night.means, tally.by_night.deviations, strict=True)
    spreads = {
        name: {"mean": or_none(mean), "standard_deviation": or_none(deviation)}
        for name, (mean, deviation) in zip(BY_NIGHT, moments, strict=True)
    }
    limits = limits_of(counted.differences, STATISTICS)
    return {
        "nights": tally.nights,
        **asdict(report_of(tally, SHOWN)),
        "intervals": intervals(tally.resampled, tally.nights),
        "by_night": spreads,
        "statistics": {name: asdict(one) for name, one in limits.items()},
    }
