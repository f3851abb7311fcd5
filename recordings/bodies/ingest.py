"""The bodies of ingest. The serializers only document: the hot path decodes without them."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from devices.models import Device
from noctis.serializers import Body, Instant
from recordings.batches import MAX_BATCH, EpochBatch
from recordings.services.epochs import Appended

FEATURES_HELP = (
    "A list in the schema's order, an object by feature name, or base64 of little-endian "
    "float32. `null` is a gap; in base64 NaN is."
)

VECTOR = [100.0, 58.2, 2.1, -0.3, 14.1, 1.2, 0.1, 0.0, 3.3, 0, 0, 95, 2.9, 61.0, 0]


class Batch(Body):
    example = {
        "recording_id": "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d",
        "epochs": [
            {
                "epoch_index": 0,
                "epoch_start_ts": "2026-11-20T22:14:30Z",
                "feature_schema_version": "noctis_v1",
                "features": VECTOR,
            }
        ],
    }
    recording_id = serializers.UUIDField()
    epochs = serializers.JSONField(
        help_text=f"1 to {MAX_BATCH} epochs {{epoch_index, epoch_start_ts, feature_schema_version, "
        "features}; or, with `start_index` and `feature_schema_version` beside it, base64 of "
        "little-endian float32 of consecutive epochs."
    )
    feature_schema_version = serializers.CharField(required=False)
    start_index = serializers.IntegerField(required=False, min_value=0)


class Ingested(Body):
    example = {
        "recording_id": "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d",
        "first_index": 0,
        "last_index": 0,
        "received": 1,
        "inserted": 1,
        "duplicates": 0,
        "checksum": "5f0b2ef1",
    }
    recording_id = serializers.UUIDField()
    first_index = serializers.IntegerField()
    last_index = serializers.IntegerField()
    received = serializers.IntegerField()
    inserted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    checksum = serializers.CharField(help_text="CRC-32 of the float32 bytes in index order, hex.")


class DeviceBatch(Body):
    example = {
        "device_external_id": "NB-0007",
        "recording_started_at": "2026-11-20T22:14:30Z",
        "epochs": [{"epoch_index": 0, "epoch_start_ts": "2026-11-20T22:14:30Z", "metrics": VECTOR}],
    }
    device_external_id = serializers.CharField(max_length=120)
    device_name = serializers.CharField(max_length=120, required=False)
    recording_id = serializers.UUIDField(required=False)
    recording_started_at = Instant(required=False)
    timezone = serializers.CharField(max_length=64, required=False)
    epochs = serializers.ListField(
        child=serializers.JSONField(), help_text="{epoch_index, epoch_start_ts, metrics} each."
    )


class DeviceIngested(Body):
    example = {
        "device_id": "0198f2a9-1b7e-7c44-8a10-2f6f0e9a4b11",
        "recording_id": "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d",
        "received": 1,
        "inserted": 1,
        "duplicates": 0,
    }
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
