"""The bodies of model versions."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from inference import provenance
from inference.models import ModelEvent, ModelVersion
from inference.services.reloading import Reloaded
from inference.serving.board import Report
from noctis.serializers import Body, Instant

LISTED: dict[str, Any] = {
    "version": "linear-0",
    "status": "production",
    "passes": ["live", "night"],
    "serves": ["live", "night"],
    "pinned": [],
    "artifact_hash": "0c9b7a4d1e2f3a5b6c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
    "feature_schema_version": "noctis_v1",
    "labels": ["W", "Light", "Deep", "REM"],
    "summary": "A linear softmax over a window of epochs, trained on simulated nights.",
    "metrics": {"kappa": {"value": 0.52, "low": 0.47, "high": 0.57}},
    "created_at": "2026-03-01T21:04:05Z",
}


class Model(Body):
    example = LISTED

    version = serializers.CharField()
    status = serializers.ChoiceField(ModelVersion.Status.values)
    passes = serializers.ListField(
        child=serializers.CharField(), help_text="What it offers: `live`, `night`."
    )
    serves = serializers.ListField(
        child=serializers.CharField(), help_text="What it serves by the registry now."
    )
    pinned = serializers.ListField(
        child=serializers.CharField(), help_text="Where your tenant has it serve itself alone."
    )
    artifact_hash = serializers.CharField(help_text="SHA-256 over every file of it.")
    feature_schema_version = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField(allow_blank=True)
    metrics = serializers.DictField(help_text="As its training measured them.")
    created_at = Instant()


class ModelStep(Body):
    at = Instant()
    action = serializers.ChoiceField(ModelEvent.Action.values)
    family = serializers.CharField(allow_null=True, help_text="Where it is about what serves.")
    from_status = serializers.CharField(allow_null=True)
    to_status = serializers.CharField(allow_null=True)


class DetailedModel(Model):
    example = {
        **LISTED,
        "window": {"before": 20, "after": 20, "minimum_known": 10},
        "training": {
            "data": [
                {
                    "name": "simulated nights",
                    "licence": "CC0-1.0",
                    "attribution": "Noctis",
                    "url": "",
                }
            ],
            "seed": 7,
            "code_revision": "1.0.0",
            "recipe": {},
        },
        "card": "# linear-0\n",
        "history": [
            {
                "at": "2026-03-01T21:04:05Z",
                "action": "serve",
                "family": "night",
                "from_status": "validated",
                "to_status": "production",
            }
        ],
    }

    window = serializers.DictField(help_text="Epochs before and after, and the least known.")
    training = serializers.DictField(
        help_text="Its data with their licences, seed, revision and recipe; of people, nights and "
        "tenants only how many nights."
    )
    card = serializers.CharField(allow_blank=True, help_text="Markdown.")
    history = ModelStep(many=True, help_text="Oldest first.")


class ProcessState(Body):
    process = serializers.CharField()
    generation = serializers.IntegerField()
    live = serializers.CharField(allow_null=True)
    night = serializers.CharField(allow_null=True)
    failures = serializers.DictField(
        help_text="The code of what failed, by family or, where a tenant pins it, `pin:<version>`."
    )
    is_current = serializers.BooleanField(help_text="Has it loaded what should serve?")


class Reload(Body):
    example = {"reason": "The artifact was put right."}

    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class ReloadedModels(Body):
    example = {
        "generation": 12,
        "live": "linear-0",
        "night": "linear-0",
        "processes": [
            {
                "process": "6f1c2a9b3d4e",
                "generation": 12,
                "live": "linear-0",
                "night": "linear-0",
                "failures": {},
                "is_current": True,
            }
        ],
        "heard": True,
        "behind": 0,
    }

    generation = serializers.IntegerField(help_text="Raised by every change of what serves.")
    live = serializers.CharField(allow_null=True)
    night = serializers.CharField(allow_null=True)
    processes = ProcessState(many=True)
    heard = serializers.BooleanField(
        help_text="Were the other processes asked? Not where Redis is away, nor where a request is "
        "repeated by its key before its first answer."
    )
    behind = serializers.IntegerField(
        allow_null=True, help_text="Processes that have not loaded it yet; `null` if not heard."
    )


Pins = Mapping[int, Sequence[str]]


def model(row: ModelVersion, pins: Pins) -> dict[str, Any]:
    """A version, and in which families the caller's tenant pins it."""
    known = row.metadata
    return {
        "version": row.version,
        "status": row.status,
        "passes": row.families,
        "serves": sorted(place.family for place in row.serving.all()),
        "pinned": pins.get(row.pk, []),
        "artifact_hash": row.artifact_hash,
        "feature_schema_version": row.schema.version,
        "labels": known.get("labels", []),
        "summary": known.get("summary", ""),
        "metrics": known.get("metrics", {}),
        "created_at": row.created_at,
    }


def detailed_model(row: ModelVersion, pins: Pins) -> dict[str, Any]:
    known = row.metadata
    events = sorted(row.events.all(), key=lambda event: event.pk)
    return {
        **model(row, pins),
        "window": known.get("window", {}),
        "training": provenance.told(known.get("training", {})),
        "card": provenance.card(known),
        "history": [_step(event) for event in events],
    }


def _step(event: ModelEvent) -> dict[str, Any]:
    """Who did it and why is the platform's to know."""
    return {
        "at": event.at,
        "action": event.action,
        "family": event.family or None,
        "from_status": event.from_status or None,
        "to_status": event.to_status or None,
    }


def reloaded_models(reloaded: Reloaded) -> dict[str, Any]:
    now, behind = reloaded.snapshot, {row.process for row in reloaded.behind}
    return {
        "generation": now.generation,
        "live": now.live.version if now.live else None,
        "night": now.night.version if now.night else None,
        "processes": [_process(row, behind) for row in reloaded.processes],
        "heard": reloaded.heard,
        "behind": len(behind) if reloaded.heard else None,
    }


def _process(row: Report, behind: set[str]) -> dict[str, Any]:
    return {
        "process": row.process,
        "generation": row.generation,
        "live": row.live,
        "night": row.night,
        "failures": row.failures,
        "is_current": row.process not in behind,
    }
