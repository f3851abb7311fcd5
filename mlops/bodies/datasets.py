"""The bodies of snapshots: what is asked for, what was built, which own nights are in it."""

from typing import Any

from rest_framework import serializers

from mlops.bodies.jobs import TOLD, JobBody, job
from mlops.models import Dataset as Row
from mlops.models import DatasetNight as Member
from mlops.models import Job
from mlops.services.criteria import FEWEST_EPOCHS, GROUND_TRUTH, MOST_SEED, Criteria
from noctis.serializers import Body, Instant
from recordings.models import LabelSet
from tenants.bodies import instant

PARTS = {False: "fit", True: "held_out"}


class NewDataset(Body):
    """`from` is a word of the language, hence the method."""

    example = {"label_sources": ["psg", "human"], "from": "2026-01-01", "held_out": 0.25}

    scope = serializers.ChoiceField(Job.Scope.values, default=Job.Scope.TENANT.value)
    label_sources = serializers.ListField(
        child=serializers.ChoiceField(LabelSet.Source.values),
        default=list(GROUND_TRUTH),
        min_length=1,
        max_length=3,
        help_text="Ground truth alone, unless `synthetic` is asked for: the snapshot says so then.",
    )
    to = serializers.DateField(default=None, allow_null=True, help_text="The last evening.")
    device_id = serializers.UUIDField(default=None, allow_null=True)
    min_epochs = serializers.IntegerField(
        default=FEWEST_EPOCHS, min_value=1, max_value=2_880, help_text="Scored and measured."
    )
    held_out = serializers.FloatField(
        default=0.25, min_value=0.05, max_value=0.9, help_text="Share of the nights, by person."
    )
    seed = serializers.IntegerField(default=1, min_value=0, max_value=MOST_SEED)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        first = serializers.DateField(default=None, allow_null=True, help_text="The first evening.")
        return super().get_fields() | {"from": first}


def criteria(body: dict[str, Any]) -> Criteria:
    device = body["device_id"]
    return Criteria(
        scope=body["scope"],
        label_sources=tuple(sorted(set(body["label_sources"]))),
        first_on=body["from"],
        last_on=body["to"],
        device=None if device is None else str(device),
        min_epochs=body["min_epochs"],
        held_out=body["held_out"],
        seed=body["seed"],
    )


class Dataset(JobBody):
    example = {
        **TOLD,
        "feature_schema_version": "noctis_v1",
        "label_sources": ["human", "psg"],
        "has_made_up_labels": False,
        "criteria": {"min_epochs": 100, "held_out": 0.25, "seed": 1},
        "nights": 41,
        "fit_nights": 30,
        "held_out_nights": 11,
        "people": 12,
        "epochs": 38_904,
        "copies_left_out": 1,
        "stage_counts": {
            "fit": {"W": 4_800, "Light": 15_600, "Deep": 4_100, "REM": 5_600},
            "held_out": {"W": 1_700, "Light": 5_500, "Deep": 1_500, "REM": 2_000},
        },
        "checksum": "5b1c…",
        "file_sha256": "a09e…",
        "file_bytes": 2_412_560,
        "withdrawn_at": None,
    }

    feature_schema_version = serializers.CharField()
    label_sources = serializers.ListField(child=serializers.CharField())
    has_made_up_labels = serializers.BooleanField(
        help_text="True: a simulator labelled some; nothing measured by it says anything of people."
    )
    criteria = serializers.DictField(help_text="As it was asked for.")
    nights = serializers.IntegerField()
    fit_nights = serializers.IntegerField()
    held_out_nights = serializers.IntegerField(help_text="Of people that no night to fit is of.")
    people = serializers.IntegerField()
    epochs = serializers.IntegerField()
    copies_left_out = serializers.IntegerField(help_text="Measured as a night that is there.")
    stage_counts = serializers.DictField(help_text="Scored epochs by part and stage.")
    checksum = serializers.CharField(help_text="Over content: the same in any form of file.")
    file_sha256 = serializers.CharField()
    file_bytes = serializers.IntegerField()
    withdrawn_at = Instant(allow_null=True, help_text="When a night of it was erased.")


def dataset(row: Row) -> dict[str, Any]:
    return job(row) | {
        "feature_schema_version": row.schema.version,
        "label_sources": row.label_sources,
        "has_made_up_labels": row.has_made_up_labels,
        "criteria": row.criteria,
        "nights": row.nights,
        "fit_nights": row.fit_nights,
        "held_out_nights": row.held_out_nights,
        "people": row.people,
        "epochs": row.epochs,
        "copies_left_out": row.copies,
        "stage_counts": row.stage_counts,
        "checksum": row.checksum,
        "file_sha256": row.file_sha256,
        "file_bytes": row.file_bytes,
        "withdrawn_at": None if row.withdrawn_at is None else instant(row.withdrawn_at),
    }


class DatasetNight(Body):
    example = {
        "recording_id": "1d8f5c6e-8a6b-4b11-8a1e-2f7e6a5d4c3b",
        "part": "fit",
        "label_version": 1,
        "epochs": 958,
    }

    recording_id = serializers.UUIDField()
    part = serializers.ChoiceField(list(PARTS.values()))
    label_version = serializers.IntegerField(help_text="The scoring that counted.")
    epochs = serializers.IntegerField()


def dataset_night(row: Member) -> dict[str, Any]:
    return {
        "recording_id": row.recording.uuid,
        "part": PARTS[row.is_held_out],
        "label_version": row.label_version,
        "epochs": row.epochs,
    }
