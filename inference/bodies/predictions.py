"""Predictions as they are answered: just given, out of the log, one with all about it and why."""

import json
from typing import Any

import numpy as np
from rest_framework import serializers

from inference.bodies import just_given, predicted
from inference.bodies.predicted import HEAD, Origin, names_of, pass_name
from inference.engine import Explanation
from inference.queries import Page
from inference.services.predict import Answer
from inference.services.predictions_read import Found
from noctis.serializers import Body, Instant
from recordings import grid
from recordings.bodies.epochs_read import TextOf
from tenants.bodies import instant

_PREDICTED = {
    "id": "000004d2-0010-8000-8000-400000000000",
    "epoch_index": 40,
    "window_start_ts": "2026-03-01T21:14:05Z",
    "window_end_ts": "2026-03-01T21:24:35Z",
    "predicted_stage": "Light",
    "confidence": 0.62,
    "probabilities": {"W": 0.11, "Light": 0.62, "Deep": 0.2, "REM": 0.07},
}
_NAMED = _PREDICTED | {"model_version": "linear-0", "pass": "live", "role": "production"}
_NAMED |= {"revision": 0}


class Predicted(Body):
    example = _PREDICTED | {"cached": False}

    id = serializers.UUIDField()
    epoch_index = serializers.IntegerField(min_value=0, max_value=grid.MAX_EPOCHS - 1)
    window_start_ts = Instant(
        help_text="Where the model's window begins; what it remembers may be older."
    )
    window_end_ts = Instant(help_text="The end of the epoch that is staged.")
    predicted_stage = serializers.CharField()
    confidence = serializers.FloatField(min_value=0, max_value=1)
    probabilities = serializers.DictField(
        child=serializers.FloatField(), help_text="By stage, calibrated; six digits."
    )
    cached = serializers.BooleanField(help_text="Whether the log had it already.")


class Given(Body):
    example = {
        "recording_id": "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d",
        "model_version": "linear-0",
        "feature_schema_version": "noctis_v1",
        "pass": "live",
        "predictions": [Predicted.example],
        "latency_ms": 1.4,
    }

    recording_id = serializers.UUIDField()
    model_version = serializers.CharField()
    feature_schema_version = serializers.CharField()
    predictions = Predicted(many=True)
    latency_ms = serializers.FloatField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`pass` is no name in Python."""
        return super().get_fields() | {"pass": serializers.ChoiceField(["live", "night"])}


class LoggedPrediction(Predicted):
    example = _NAMED

    model_version = serializers.CharField()
    role = serializers.CharField()
    revision = serializers.IntegerField(help_text="Raised where the same epoch's inputs changed.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields() | {"pass": serializers.ChoiceField(["live", "night"])}
        return {name: field for name, field in fields.items() if name != "cached"}


class OnePrediction(LoggedPrediction):
    example = _NAMED | {
        "recording_id": "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d",
        "feature_schema_version": "noctis_v1",
        "artifact_hash": "9f2c4e0d" * 8,
        "input_hash": "5b1d4a53" * 4,
        "request_id": "ward-3-0815",
        "latency_ms": 1.4,
        "created_at": "2026-03-01T21:24:36.120000Z",
    }

    recording_id = serializers.UUIDField()
    feature_schema_version = serializers.CharField()
    artifact_hash = serializers.CharField(help_text="SHA-256 of the version's files.")
    input_hash = serializers.CharField(help_text="BLAKE2b of what the version looked at.")
    request_id = serializers.CharField()
    latency_ms = serializers.FloatField(help_text="From the question to the log.")
    created_at = Instant()


class Explained(Body):
    example = {
        "prediction_id": _PREDICTED["id"],
        "model_version": "linear-0",
        "pass": "live",
        "epoch_index": 40,
        "predicted_stage": "Light",
        "method": "linear_contributions",
        "contributions": {"hr_mean": {"W": -0.31, "Light": 0.12, "Deep": 0.22, "REM": -0.03}},
        "bias": {"W": 0.1, "Light": 0.4, "Deep": -0.2, "REM": -0.3},
        "logits": {"W": -0.21, "Light": 0.52, "Deep": 0.02, "REM": -0.33},
    }

    prediction_id = serializers.UUIDField()
    model_version = serializers.CharField()
    epoch_index = serializers.IntegerField()
    predicted_stage = serializers.CharField()
    method = serializers.ChoiceField(["linear_contributions", "clock_table", "seeded_occlusion"])
    contributions = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField()),
        help_text="By column and stage; summed over the columns, plus the bias, the logits.",
    )
    bias = serializers.DictField(child=serializers.FloatField())
    logits = serializers.DictField(
        child=serializers.FloatField(), help_text="Before temperature and decoder."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"pass": serializers.ChoiceField(["live", "night"])}


NDJSON_LINES = TextOf(json.dumps(LoggedPrediction.example))
CSV_LINES = TextOf(
    ",".join([*HEAD, "W", "Light", "Deep", "REM"]),
    ",".join(str(_NAMED[name]) for name in HEAD) + ",0.11,0.62,0.2,0.07",
)


def given(answer: Answer) -> dict[str, Any]:
    """What was asked for, as the log has it."""
    occasion, served = answer.occasion, answer.served
    model = served.model
    return {
        "recording_id": answer.recording,
        "model_version": served.version,
        "feature_schema_version": served.manifest.schema_version,
        "pass": pass_name(occasion.staging_pass),
        "predictions": just_given.rows(occasion, answer.logged, model.labels, model.window.before),
        "latency_ms": round(answer.seconds * 1000, 3),
    }


def one(found: Found) -> dict[str, Any]:
    """A prediction with all that the log has of it."""
    recording, row, version = found.recording, found.prediction, found.version
    page = Page(
        row.model_id,
        version.version,
        version.metadata["labels"],
        version.metadata["window"]["before"],
        np.array([row.epoch_index]),
        np.array([row.role]),
        np.array([row.staging_pass]),
        np.array([row.revision]),
        np.array([row.stage]),
        np.array([row.probabilities], np.float32),
        np.array([row.confidence], np.float32),
    )
    (told,) = predicted.named_rows(Origin(recording.pk, recording.started_at), page)
    return told | {
        "recording_id": recording.uuid,
        "feature_schema_version": version.schema.version,
        "artifact_hash": version.artifact_hash,
        "input_hash": bytes(row.input_hash).hex(),
        "request_id": row.request_id,
        "latency_ms": row.latency_us / 1000,
        "created_at": instant(row.created_at),
    }


def explained(found: Found, why: Explanation) -> dict[str, Any]:
    names = names_of(why.labels)
    row = found.prediction
    told = one(found)
    return {
        "prediction_id": told["id"],
        "model_version": told["model_version"],
        "pass": told["pass"],
        "epoch_index": row.epoch_index,
        "predicted_stage": told["predicted_stage"],
        "method": why.method,
        "contributions": {
            column: dict(zip(names, values, strict=True))
            for column, values in zip(why.names, why.contributions.tolist(), strict=True)
        },
        "bias": dict(zip(names, why.bias.tolist(), strict=True)),
        "logits": dict(zip(names, why.logits.tolist(), strict=True)),
    }
