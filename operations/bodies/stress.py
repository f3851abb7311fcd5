"""The bodies of stress runs: what is asked for, how far one is, what it measured, two compared."""

from typing import Any

from rest_framework import serializers

from noctis.serializers import Body, Instant
from operations import stress
from operations.bodies.monitoring import told
from operations.models import StressRun
from operations.stress import Profile

USUAL = {name: usual for name, (_, _, usual) in stress.BOUNDS.items()}
PROFILE = {"mode": "both", "epoch_seconds": stress.EPOCH_S} | USUAL
FIGURES = {
    "calls": 32,
    "failed": 0,
    "units": 3840,
    "per_s": 41_200.5,
    "p50_ms": 2.4,
    "p95_ms": 4.0,
    "p99_ms": 7.1,
}


def _bounded(name: str, **more: Any) -> serializers.IntegerField:
    least, most, _ = stress.BOUNDS[name]
    return serializers.IntegerField(min_value=least, max_value=most, **more)


class RunStress(Body):
    example = PROFILE

    mode = serializers.ChoiceField(list(stress.MODES))
    device_count = _bounded("device_count")
    hours = _bounded("hours", help_text="Of each night.")
    epoch_seconds = serializers.ChoiceField(
        [stress.EPOCH_S], default=stress.EPOCH_S, help_text="The grid is one of 30 seconds."
    )
    ingest_batch_size = _bounded("ingest_batch_size")
    iterations = _bounded("iterations")
    batch_size = _bounded("batch_size", help_text="Questions in each iteration.")
    seed = _bounded("seed", default=USUAL["seed"])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if problems := dict(Profile(**attrs).too_much()):
            raise serializers.ValidationError(problems)
        return attrs


class Comparison(Body):
    part = serializers.CharField()
    figure = serializers.CharField()
    this = serializers.FloatField(allow_null=True)
    other = serializers.FloatField(allow_null=True)


class StressRunOut(Body):
    example = {
        "id": "7f4f1e64-4d4e-4b6a-9a9a-0a4a4b1f7c11",
        "status": "done",
        "profile": PROFILE,
        "done": 432,
        "total": 432,
        "requested_by": "platform-admin",
        "requested_at": "2026-03-01T21:04:05Z",
        "started_at": "2026-03-01T21:04:06Z",
        "finished_at": "2026-03-01T21:04:12Z",
        "failure": "",
        "results": {
            "ingest": FIGURES,
            "inference": FIGURES,
            "memory_bytes": {"start": 150_000_000, "end": 152_000_000, "peak": 152_000_000},
        },
        "compared": [],
    }

    id = serializers.UUIDField()
    status = serializers.ChoiceField([status.value for status in StressRun.Status])
    profile = serializers.DictField()
    done = serializers.IntegerField(help_text="Calls made.")
    total = serializers.IntegerField()
    requested_by = serializers.CharField()
    requested_at = Instant()
    started_at = Instant(allow_null=True)
    finished_at = Instant(allow_null=True)
    failure = serializers.CharField(allow_blank=True)
    results = serializers.DictField(
        help_text="By part: calls, failed, units moved and per second of calls, percentiles."
    )
    compared = Comparison(many=True, help_text="With the run that `against` names.")


def profile_of(body: dict[str, Any]) -> Profile:
    return Profile(**body)


def run(row: StressRun, other: StressRun | None = None) -> dict[str, Any]:
    names = ("status", "profile", "done", "total", "requested_by", "failure", "results")
    times = ("requested_at", "started_at", "finished_at")
    return {
        "id": str(row.uuid),
        **{name: getattr(row, name) for name in names},
        **{name: told(getattr(row, name)) for name in times},
        "compared": [] if other is None else comparison(row, other),
    }


def comparison(row: StressRun, other: StressRun) -> list[dict[str, Any]]:
    names = ("part", "figure", "this", "other")
    found = stress.compared(row.results, other.results)
    return [dict(zip(names, line, strict=True)) for line in found]
