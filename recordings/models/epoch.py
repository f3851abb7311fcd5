"""Thirty seconds of a night. Rows are written by one statement a batch and looked at by range."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from timescale.db.models.fields import TimescaleDateTimeField


class RealField(models.FloatField):
    """Four bytes; Django's own FloatField takes eight."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "real"


class Epoch(models.Model):
    """No foreign keys: the recording is checked and locked in the transaction that inserts."""

    pk = models.CompositePrimaryKey("tenant_id", "recording_id", "epoch_start_ts")
    tenant_id = models.IntegerField()
    recording_id = models.IntegerField()
    epoch_start_ts = TimescaleDateTimeField(interval="7 days")
    received_at = models.DateTimeField()
    # Spares device summaries a join.
    device_id = models.IntegerField()
    epoch_index = models.IntegerField()
    schema_id = models.SmallIntegerField()
    # In the schema's order; NaN is a gap.
    features = ArrayField(RealField())

    def __str__(self) -> str:
        return f"epoch {self.epoch_index} of recording {self.recording_id}"
