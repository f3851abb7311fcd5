"""The bodies of retrainings."""

from typing import Any

from rest_framework import serializers

from inference.models import Family
from mlops.bodies.datasets import NewDataset, criteria
from mlops.bodies.jobs import TOLD, JobBody, job
from mlops.models import Retraining as Row
from mlops.services.retraining import Plan
from mlops.training.recipes import RECIPES
from noctis.serializers import Body


class NewRetraining(Body):
    example = {"family": "night", "reason": "New scorings came in.", "recipe": "linear"}

    family = serializers.ChoiceField(Family.values, default=Family.NIGHT.value)
    reason = serializers.CharField(max_length=500, help_text="Kept in the audit log.")
    recipe = serializers.ChoiceField(list(RECIPES), default="linear")
    hyperparameters = serializers.DictField(default=dict)
    version = serializers.CharField(max_length=64, default="", allow_blank=True)
    dataset = NewDataset(
        required=False, help_text="Which nights; all of the tenant's ground truth if not given."
    )


def plan(body: dict[str, Any]) -> Plan:
    return Plan(
        family=body["family"],
        criteria=criteria(body.get("dataset") or NewDataset.read({})),
        recipe=body["recipe"],
        hyperparameters=body["hyperparameters"],
        version=body["version"],
    )


class Retraining(JobBody):
    example = {
        **TOLD,
        "family": "night",
        "cause": "drift",
        "reason": "drift of MEDIUM until 2026-03-02",
        "drift_run_id": "c1a7c3a4-9a5e-4a87-8a3b-0f5d2b1e6c77",
        "dataset_id": "7c1f0a52-6d0e-4d0c-9a53-0b5de8a1a0f4",
        "run_id": "3e2b1a90-5d4c-4b6f-9a8e-7d6c5b4a3f21",
        "version": "retrained-night-20260302-7c1f0a",
        "log": "09:00:03 a snapshot is built\n",
    }

    family = serializers.ChoiceField(Family.values)
    cause = serializers.ChoiceField(Row.Cause.values)
    reason = serializers.CharField(allow_blank=True)
    drift_run_id = serializers.UUIDField(allow_null=True)
    dataset_id = serializers.UUIDField(allow_null=True)
    run_id = serializers.UUIDField(allow_null=True)
    version = serializers.CharField(
        allow_null=True, help_text="The candidate, once there is one; nothing serves by it yet."
    )
    log = serializers.CharField(allow_blank=True)


def retraining(row: Row) -> dict[str, Any]:
    version = row.run.version_name if row.run and row.run.version_id else None
    return job(row) | {
        "family": row.family,
        "cause": row.cause,
        "reason": row.reason,
        "drift_run_id": row.drift_run and row.drift_run.uuid,
        "dataset_id": row.dataset and row.dataset.uuid,
        "run_id": row.run and row.run.uuid,
        "version": version,
        "log": row.log,
    }
