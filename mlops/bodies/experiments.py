"""The bodies of experiments and their runs."""

from typing import Any

from rest_framework import serializers

from inference.models import Family
from mlops.bodies.jobs import TOLD, JobBody, job
from mlops.models import Dataset, TrainingRun
from mlops.models import Experiment as Row
from mlops.services.criteria import MOST_SEED
from mlops.services.experiments import Wanted
from mlops.training.recipes import RECIPES
from noctis.serializers import Body, Instant
from tenants.bodies import instant


class NewExperiment(Body):
    example = {"name": "less context", "description": "Does ±10 epochs do as well as ±20?"}

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=500, default="", allow_blank=True)


class Experiment(Body):
    example = {
        "id": "0c9f1d7e-52f0-4c0a-8f05-0a2f6b7c1d23",
        "name": "less context",
        "description": "Does ±10 epochs do as well as ±20?",
        "created_at": "2026-03-02T09:00:00Z",
    }

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    created_at = Instant()


def experiment(row: Row) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.name,
        "description": row.description,
        "created_at": instant(row.created_at),
    }


class NewRun(Body):
    example = {
        "dataset_id": "7c1f0a52-6d0e-4d0c-9a53-0b5de8a1a0f4",
        "recipe": "linear",
        "hyperparameters": {"l2_times": 2.0},
    }

    dataset_id = serializers.UUIDField()
    recipe = serializers.ChoiceField(list(RECIPES), default="linear")
    family = serializers.ChoiceField(Family.values, default=Family.NIGHT.value)
    seed = serializers.IntegerField(default=1, min_value=0, max_value=MOST_SEED)
    hyperparameters = serializers.DictField(
        default=dict, help_text="Over the recipe's own; each is checked by name and range."
    )
    version = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="What the candidate is called; made if not given.",
    )


def wanted(body: dict[str, Any], dataset: Dataset) -> Wanted:
    names = ("recipe", "family", "seed", "hyperparameters", "version")
    return Wanted(dataset, **{name: body[name] for name in names})


class Run(JobBody):
    example = {
        **TOLD,
        "experiment_id": "0c9f1d7e-52f0-4c0a-8f05-0a2f6b7c1d23",
        "dataset_id": "7c1f0a52-6d0e-4d0c-9a53-0b5de8a1a0f4",
        "version": "linear-7c1f0a526d",
        "is_registered": True,
        "recipe": "linear",
        "family": "night",
        "seed": 1,
        "hyperparameters": {"l2_times": 2.0},
        "code_revision": "contextual-1",
        "kappa": {"this model": 0.39, "linear-1": 0.38, "null: clock and transitions": 0.12},
        "seconds": 67.0,
    }

    experiment_id = serializers.UUIDField()
    dataset_id = serializers.UUIDField()
    version = serializers.CharField(help_text="A candidate in the registry once it is done.")
    is_registered = serializers.BooleanField()
    recipe = serializers.CharField()
    family = serializers.ChoiceField(Family.values)
    seed = serializers.IntegerField()
    hyperparameters = serializers.DictField()
    code_revision = serializers.CharField(allow_blank=True)
    kappa = serializers.DictField(help_text="By what answered, on the nights held out.")
    seconds = serializers.FloatField(allow_null=True)


class DetailedRun(Run):
    example = {
        **Run.example,
        "log": "09:00:03 fitting linear to 30 nights of 9 people\n",
        "metrics": {"family": "night", "nights": 11, "people": 3, "left_out": 0, "figures": {}},
        "request_id": "a3f1c9",
    }

    log = serializers.CharField(allow_blank=True, help_text="The last of what it said.")
    metrics = serializers.DictField(help_text="All that was found on the nights held out.")
    request_id = serializers.CharField(allow_blank=True)


def run(row: TrainingRun) -> dict[str, Any]:
    figures = row.metrics.get("figures", {})
    return job(row) | {
        "experiment_id": row.experiment.uuid,
        "dataset_id": row.dataset.uuid,
        "version": row.version_name,
        "is_registered": row.version_id is not None,
        "recipe": row.recipe,
        "family": row.family,
        "seed": row.seed,
        "hyperparameters": row.hyperparameters,
        "code_revision": row.code_revision,
        "kappa": {name: one["kappa"] for name, one in figures.items()},
        "seconds": row.seconds,
    }


def detailed_run(row: TrainingRun) -> dict[str, Any]:
    return run(row) | {"log": row.log, "metrics": row.metrics, "request_id": row.request_id}
