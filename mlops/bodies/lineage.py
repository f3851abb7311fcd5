"""The body of where a version, or a prediction of it, comes from."""

from typing import Any

from rest_framework import serializers

from inference.services.predictions_read import Found
from mlops.bodies.datasets import Dataset, DatasetNight, dataset, dataset_night
from mlops.bodies.experiments import Experiment, Run, experiment, run
from mlops.services.lineage import Origin
from noctis.serializers import Body


class TrainedOn(Body):
    sources = serializers.ListField(child=serializers.DictField())
    snapshot = serializers.CharField(
        allow_blank=True, help_text="Of the nights to fit; empty where the run is not yours."
    )
    nights = serializers.IntegerField(allow_null=True)
    code_revision = serializers.CharField(allow_blank=True)
    seed = serializers.IntegerField(allow_null=True)


_TRAINED: dict[str, Any] = {
    "sources": [
        {"name": "simulated nights", "licence": "none needed", "attribution": "", "url": ""}
    ],
    "snapshot": "5b1c…",
    "nights": 30,
    "code_revision": "contextual-1",
    "seed": 1,
}


class Lineage(Body):
    example: dict[str, Any] = {
        "model_version": "linear-7c1f0a526d",
        "artifact_hash": "0c9b7a4d1e2f3a5b6c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
        "status": "candidate",
        "trained_on": _TRAINED,
        "run": Run.example,
        "experiment": Experiment.example,
        "dataset": Dataset.example,
        "own_nights": 1,
        "nights": [DatasetNight.example],
    }

    model_version = serializers.CharField()
    artifact_hash = serializers.CharField()
    status = serializers.CharField()
    trained_on = TrainedOn(help_text="As the version's manifest says, but not whose nights.")
    run = Run(allow_null=True, help_text="Null: not made by a run of this tenant.")
    experiment = Experiment(allow_null=True)
    dataset = Dataset(allow_null=True)
    own_nights = serializers.IntegerField(
        help_text="Nights of the caller's tenant in the snapshot, whoever made the version."
    )
    nights = DatasetNight(many=True, help_text="The newest 100 of them.")


class PredictionLineage(Lineage):
    example = {
        **Lineage.example,
        "prediction_id": "0mEf3kq…",
        "recording_id": "1d8f5c6e-8a6b-4b11-8a1e-2f7e6a5d4c3b",
        "epoch_index": 17,
    }

    prediction_id = serializers.CharField()
    recording_id = serializers.UUIDField()
    epoch_index = serializers.IntegerField()


def lineage(origin: Origin) -> dict[str, Any]:
    version, made = origin.version, origin.run
    training = origin.training
    return {
        "model_version": version.version,
        "artifact_hash": version.artifact_hash,
        "status": version.status,
        "trained_on": {
            "sources": training.get("data", []),
            "snapshot": origin.snapshot,
            "nights": training.get("recipe", {}).get("nights"),
            "code_revision": training.get("code_revision", ""),
            "seed": training.get("seed"),
        },
        "run": None if made is None else run(made),
        "experiment": None if made is None else experiment(made.experiment),
        "dataset": None if made is None else dataset(made.dataset),
        "own_nights": origin.own_nights,
        "nights": [dataset_night(row) for row in origin.own_newest],
    }


def prediction_lineage(found: Found, origin: Origin) -> dict[str, Any]:
    return {
        "prediction_id": str(found.prediction.public_id),
        "recording_id": found.recording.uuid,
        "epoch_index": found.prediction.epoch_index,
        **lineage(origin),
    }
