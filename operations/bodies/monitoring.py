"""The bodies of what the platform tells of its own state."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from noctis.serializers import Body, Instant
from operations.services.monitoring import DEGRADED, DOWN, OK, UNKNOWN, Part, Summary

STATES = [OK, DEGRADED, DOWN, UNKNOWN]


class MonitoredPart(Body):
    name = serializers.CharField()
    state = serializers.ChoiceField(
        STATES, help_text="`unknown`: what would tell is away, or nothing was told yet."
    )
    facts = serializers.DictField(help_text="What was seen; each part has its own.")


class MonitoringSummary(Body):
    example = {
        "at": "2026-03-01T21:04:05Z",
        "state": "degraded",
        "parts": [
            {
                "name": "database",
                "state": "ok",
                "facts": {
                    "version": "18.4",
                    "connections": 12,
                    "most_connections": 100,
                    "clock_differs_s": 0.0,
                    "is_standby": False,
                },
            },
            {
                "name": "queue",
                "state": "degraded",
                "facts": {"waiting": 41, "oldest_s": 412.5},
            },
            {"name": "redis", "state": "down", "facts": {}},
        ],
    }

    at = Instant()
    state = serializers.ChoiceField(STATES, help_text="The worst of the parts' states.")
    parts = MonitoredPart(many=True)


def summary(found: Summary) -> dict[str, Any]:
    return {"at": told(found.at), "state": found.state, "parts": [*map(part, found.parts)]}


def part(found: Part) -> dict[str, Any]:
    return asdict(found) | {"facts": {name: told(value) for name, value in found.facts.items()}}


def told(value: Any) -> Any:
    """Instants as everywhere; the rest is plain already."""
    return Instant().to_representation(value) if hasattr(value, "isoformat") else value
