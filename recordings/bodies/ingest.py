"""The bodies of ingest. The serializers only document: the hot path decodes without them."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from devices.models import Device
from noctis.serializers import Body, Instant
from recordings.batches import MAX_BATCH, EpochBatch
from recordings.grid import MAX_EPOCHS
from recordings.services.epochs import Appended

FEATURES_HELP = (
    "A list in the schema's order, an object by feature name, or base64 of little-endian "
    "float32. `null` is a gap; in base64 NaN is."
)


class Epoch(Body):
    epoch_index = serializers.IntegerField(min_value=0, max_value=MAX_EPOCHS - 1)
    epoch_start_ts = Instant()
    feature_schema_version = serializers.CharField()
    features = serializers.JSONField(help_text=FEATURES_HELP)


class Batch(Body):
    recording_id = serializers.UUIDField()
    epochs = serializers.JSONField(
        help_text=f"1 to {MAX_BATCH} epochs {{epoch_index, epoch_start_ts, feature_schema_version, "
        "features}; or, with `start_index` and `feature_schema_version` beside it, base64 of "
        "little-endian float32 of consecutive epochs."
    )
    feature_schema_version = serializers.CharField(required=False)
    start_index = serializers.IntegerField(required=False, min_value=0)


class Ingested(Body):
    recording_id = serializers.UUIDField()
    first_index = serializers.IntegerField()
    last_index = serializers.IntegerField()
    received = serializers.IntegerField()
    inserted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    checksum = serializers.CharField(help_text="CRC-32 of the float32 bytes in index order, hex.")


class DeviceBatch(Body):
    device_external_id = serializers.CharField(max_length=120)
    device_name = serializers.CharField(max_length=120, required=False)
    recording_id = serializers.UUIDField(required=False)
    recording_started_at = Instant(required=False)
    timezone = serializers.CharField(max_length=64, required=False)
    epochs = serializers.ListField(
        child=serializers.JSONField(), help_text="{epoch_index, epoch_start_ts, metrics} each."
    )


class DeviceIngested(Body):
    device_id = serializers.UUIDField()
    recording_id = serializers.UUIDField()
    received = serializers.IntegerField()
    inserted = serializers.IntegerField()
    duplicates = serializers.IntegerField()


def ingested(recording: UUID, batch: EpochBatch, appended: Appended) -> dict[str, Any]:
    return {
        "recording_id": recording,
        "first_index": int(batch.index[0]),
        "last_index": int(batch.index[-1]),
        "received": appended.received,
        "inserted": appended.inserted,
        "duplicates": appended.duplicates,
        "checksum": batch.checksum,
    }


def device_ingested(device: Device, recording: UUID, appended: Appended) -> dict[str, Any]:
    return {
        "device_id": device.uuid,
        "recording_id": recording,
        "received": appended.received,
        "inserted": appended.inserted,
        "duplicates": appended.duplicates,
    }
