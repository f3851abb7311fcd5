"""The bodies of decisions on model versions."""

from typing import Any

from rest_framework import serializers

from inference.bodies.models import LISTED, Model, Pins, ProcessState, model, reloaded_models
from inference.models import Family, ModelVersion
from inference.services.reloading import Reloaded
from noctis.serializers import Body

_PROCESSES: dict[str, Any] = {
    "generation": 12,
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


class Decide(Body):
    example: dict[str, Any] = {"reason": "Beats what serves on the frozen nights."}

    reason = serializers.CharField(max_length=500, help_text="Kept in the audit log.")


class DecideFamilies(Decide):
    example = {"reason": "Beats what serves on the frozen nights.", "families": ["night"]}

    families = serializers.ListField(
        child=serializers.ChoiceField(Family.values),
        required=False,
        min_length=1,
        max_length=len(Family.values),
        help_text="All that it offers, or serves, when not given.",
    )


class Pin(Decide):
    example = {"reason": "Our own nights are staged better by it.", "family": "night"}

    family = serializers.ChoiceField(Family.values)


class Promote(DecideFamilies):
    example = DecideFamilies.example | {"waiver": ""}

    waiver = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Why it may serve although gates are unmet; for the platform's administrators.",
    )


class Decided(Model):
    example = LISTED


class Served(Model):
    example = LISTED | _PROCESSES

    generation = serializers.IntegerField(help_text="Raised by every change of what serves.")
    processes = ProcessState(many=True)
    heard = serializers.BooleanField(
        help_text="Were the other processes asked? Not where Redis is away, nor where a request is "
        "repeated by its key before its first answer."
    )
    behind = serializers.IntegerField(
        allow_null=True, help_text="Processes that have not loaded it yet; `null` if not heard."
    )


def decided(row: ModelVersion, pins: Pins) -> dict[str, Any]:
    return model(row, pins)


def served(row: ModelVersion, pins: Pins, told: Reloaded) -> dict[str, Any]:
    return model(row, pins) | heard(told)


def heard(told: Reloaded) -> dict[str, Any]:
    whole = reloaded_models(told)
    return {name: whole[name] for name in ("generation", "processes", "heard", "behind")}
