"""The bodies of feature schemas."""

from typing import Any

from rest_framework import serializers

from noctis.serializers import Body, Instant
from recordings import models


class SchemaFeature(Body):
    position = serializers.IntegerField(help_text="In the list form of an epoch, from 0.")
    name = serializers.CharField()
    unit = serializers.CharField()
    minimum = serializers.FloatField(allow_null=True, help_text="Inclusive; `null` for no bound.")
    maximum = serializers.FloatField(allow_null=True, help_text="Inclusive; `null` for no bound.")
    dtype = serializers.CharField()
    missing = serializers.CharField(help_text="How a gap is stored; in JSON it is `null`.")
    introduced_in = serializers.CharField()
    deprecated_in = serializers.CharField(allow_null=True)


class FeatureSchema(Body):
    example = {
        "version": "noctis_v1",
        "hash": "0c9b7a4d1e2f3a5b6c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
        "active": True,
        "created_at": "2026-03-01T21:04:05Z",
        "features": [
            {
                "position": 1,
                "name": "hr_mean",
                "unit": "bpm",
                "minimum": 20,
                "maximum": 250,
                "dtype": "float32",
                "missing": "nan",
                "introduced_in": "noctis_v1",
                "deprecated_in": None,
            }
        ],
    }

    version = serializers.CharField()
    hash = serializers.CharField(help_text="SHA-256 of the canonical JSON of the features.")
    active = serializers.BooleanField(help_text="Is it the one that ingest takes?")
    created_at = Instant()
    features = SchemaFeature(many=True)


def schema(row: models.FeatureSchema) -> dict[str, Any]:
    return {
        "version": row.version,
        "hash": row.digest,
        "active": row.is_active,
        "created_at": row.created_at,
        "features": [{"position": place, **feature} for place, feature in enumerate(row.features)],
    }
