"""The bodies of gates: what a version has to show, with its figures, and the run behind them."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from inference.models import Family, ModelVersion
from mlops.gates import Outcome
from mlops.models import GateRun
from mlops.services.gates import Gated
from noctis.serializers import Body, Instant

_GATE: dict[str, Any] = {
    "name": "kappa",
    "asks": "kappa at least 0.35",
    "outcome": "pass",
    "figure": 0.41,
    "note": "",
}
_RUN: dict[str, Any] = {
    "id": "7d9f4a1e-0b7c-4a55-9a38-3f0f6d0b1c2d",
    "status": "done",
    "progress": 1.0,
    "error": None,
    "nights": 42,
    "people": 17,
    "left_out": {"trained_on": 3},
    "incumbent": "linear-1",
    "checksum": "0c9b7a4d1e2f3a5b6c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
    "created_at": "2026-03-01T21:04:05Z",
    "finished_at": "2026-03-01T21:04:45Z",
}


class JudgeModel(Body):
    example = {"families": ["night"]}

    families = serializers.ListField(
        child=serializers.ChoiceField(Family.values),
        required=False,
        min_length=1,
        max_length=len(Family.values),
        help_text="All that it offers, when not given.",
    )


class GateBody(Body):
    example = _GATE

    name = serializers.CharField()
    asks = serializers.CharField()
    outcome = serializers.ChoiceField([each.value for each in Outcome])
    figure = serializers.FloatField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class GateRunBody(Body):
    example = _RUN

    id = serializers.UUIDField()
    status = serializers.ChoiceField(GateRun.Status.values)
    progress = serializers.FloatField(help_text="From 0 to 1.")
    error = serializers.CharField(allow_null=True)
    nights = serializers.IntegerField(help_text="That judged: labelled, nobody's it was fitted to.")
    people = serializers.IntegerField()
    left_out = serializers.DictField(help_text="Nights by why they did not judge.")
    incumbent = serializers.CharField(allow_null=True, help_text="Judged by the same nights.")
    checksum = serializers.CharField(allow_blank=True, help_text="Over those nights and labels.")
    created_at = Instant()
    finished_at = Instant(allow_null=True)


class GatedFamily(Body):
    example: dict[str, Any] = {
        "family": "night",
        "is_met": True,
        "gates": [_GATE],
        "run": _RUN,
        "latest_run": _RUN,
    }

    family = serializers.ChoiceField(Family.values)
    is_met = serializers.BooleanField(help_text="Every gate is passed: it may serve.")
    gates = GateBody(many=True)
    run = GateRunBody(allow_null=True, help_text="What the gates are read from.")
    latest_run = GateRunBody(allow_null=True, help_text="It may be due, or at work.")


class ModelGates(Body):
    example = {"version": "linear-1", "families": [GatedFamily.example]}

    version = serializers.CharField()
    families = GatedFamily(many=True)


def model_gates(row: ModelVersion, found: Sequence[Gated]) -> dict[str, Any]:
    return {"version": row.version, "families": [gated(one) for one in found]}


def gated(found: Gated) -> dict[str, Any]:
    return {
        "family": found.family,
        "is_met": not found.unmet,
        "gates": [gate.as_json for gate in found.gates],
        "run": _run(found.run),
        "latest_run": _run(found.latest),
    }


def _run(run: GateRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "id": run.uuid,
        "status": run.status,
        "progress": run.progress,
        "error": run.error or None,
        "nights": run.report.get("nights", 0),
        "people": run.report.get("people", 0),
        "left_out": run.report.get("left_out", {}),
        "incumbent": run.incumbent.version if run.incumbent else None,
        "checksum": run.report.get("checksum", ""),
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }
