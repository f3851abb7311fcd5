"""Nights with everything in them, for tests of what becomes of them: read, erased, exported."""

from datetime import timedelta

from django.utils import timezone

from devices.models import Device
from recordings import schemas
from recordings.models import Epoch, ExportMark, FeatureSchema, LabelSet, Recording
from tests.factories import RecordingFactory
from tests.recordings.nights import features


def ship_schemas() -> None:
    """A migration inserts them; the flush after a transactional test takes them away."""
    for version, shipped in schemas.SHIPPED.items():
        facts = {
            "digest": schemas.digest_of(shipped),
            "features": schemas.as_rows(shipped),
            "is_active": version == schemas.ACTIVE_VERSION,
        }
        FeatureSchema.objects.get_or_create(version=version, defaults=facts)


def full_night(device: Device, subject: str = "P-1", count: int = 20) -> Recording:
    """A night with epochs, labels and an export's mark."""
    ship_schemas()
    night, now = RecordingFactory(device=device, subject=subject), timezone.now()
    schema = FeatureSchema.objects.get(is_active=True)
    Epoch.objects.bulk_create(
        Epoch(
            tenant_id=night.tenant_id,
            recording_id=night.pk,
            device_id=device.pk,
            epoch_start_ts=night.started_at + timedelta(seconds=30 * index),
            received_at=now,
            epoch_index=index,
            schema_id=schema.pk,
            features=row.tolist(),
        )
        for index, row in enumerate(features(count))
    )
    Recording.objects.filter(pk=night.pk).update(epoch_count=count, last_index=count - 1)
    facts = {"version": 1, "scorer": "ada", "source": "human", "stages": [0, 1]}
    LabelSet.objects.create(tenant=night.tenant, recording=night, **facts)
    ExportMark.objects.create(
        tenant=night.tenant, kind="epochs", recording_id=night.pk, through=now
    )
    return night
