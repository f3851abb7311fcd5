"""A stage that was given, for good: one row in the transaction of its answer. Append-only."""

from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from timescale.db.models.fields import TimescaleDateTimeField

from inference import prediction_ids
from inference.prediction_ids import PredictionKey
from recordings.models.epoch import RealField


class Role(models.IntegerChoices):
    """What it was for; four bits in a prediction's id."""

    PRODUCTION = 0
    CANARY = 1
    SHADOW = 2
    REPLAY = 3
    INLINE = 4


class Pass(models.IntegerChoices):
    """With only what was past, or with the whole night; two bits in a prediction's id."""

    LIVE = 0
    NIGHT = 1


class Prediction(models.Model):
    """No foreign keys, as with epochs: rows are inserted by one statement and found by key."""

    # Django takes no field whose name ends with an underscore, Python none that is `pass`.
    pk = models.CompositePrimaryKey(
        "tenant_id",
        "recording_id",
        "window_end_ts",
        "model_id",
        "role",
        "staging_pass",
        "revision",
    )
    tenant_id = models.IntegerField()
    recording_id = models.IntegerField()
    # The end of the epoch that is staged.
    window_end_ts = TimescaleDateTimeField(interval="7 days")
    model_id = models.SmallIntegerField()
    role = models.SmallIntegerField(choices=Role)
    staging_pass = models.SmallIntegerField(choices=Pass, db_column="pass")
    # Raised where the same question was asked of other inputs: nothing is overwritten.
    revision = models.IntegerField(default=0)
    epoch_index = models.IntegerField()
    # A code of recordings.stages.
    stage = models.SmallIntegerField()
    # Calibrated, in the order of the model's labels.
    probabilities = ArrayField(RealField())
    confidence = RealField()
    # BLAKE2b of all that the answer was computed from, 16 bytes.
    input_hash = models.BinaryField(max_length=16)
    latency_us = models.IntegerField()
    request_id = models.CharField(max_length=64)
    client_id = models.IntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Prediction"]] = models.Manager()

    def __str__(self) -> str:
        return f"stage of epoch {self.epoch_index} of recording {self.recording_id}"

    @property
    def public_id(self) -> UUID:
        key = PredictionKey(
            self.recording_id,
            self.epoch_index,
            self.model_id,
            self.role,
            self.staging_pass,
            self.revision,
        )
        return prediction_ids.packed(key)
