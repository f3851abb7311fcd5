"""What a batch costs the database, as the tables grow that its plan was made for."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from devices.models import Device
from recordings import rows
from recordings.batches import EpochBatch
from recordings.models import Recording
from tests.factories import DeviceFactory
from tests.recordings import nights

pytestmark = pytest.mark.django_db
GENERIC_AFTER = 6  # executions, then PostgreSQL keeps one plan for all that follow
FETCHED = """SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
WHERE relname = 'recordings_recording'"""


def test_a_batch_reads_no_other_night_of_its_device_however_many_there_are() -> None:
    device = DeviceFactory()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recordings_recording")  # as autovacuum does with a young table
    first, *_ = Recording.objects.bulk_create(night(device, n) for n in range(GENERIC_AFTER))
    for number in range(GENERIC_AFTER):
        append(first, number)
    *_, last = Recording.objects.bulk_create(night(device, n) for n in range(100, 1_100))

    before = fetched()
    append(last, 0)

    assert fetched() - before <= 4  # found, locked, updated


def night(device: Device, days: int) -> Recording:
    start = timezone.now() - timedelta(days=1, minutes=days)
    return Recording(
        tenant=device.tenant,
        device=device,
        started_at=start,
        night_on=start.date(),
        last_heard_at=start,
    )


def append(recording: Recording, index: int) -> None:
    features = nights.features(1)
    batch = EpochBatch(np.array([index], np.int32), features, None, 1, "")
    place = rows.Place(
        recording.tenant_id, recording.uuid, None, 1, timezone.now() - timedelta(days=90)
    )
    assert rows.append(place, batch).verdict == "ok"


def fetched() -> int:
    with connection.cursor() as cursor:
        cursor.execute(FETCHED)
        return int(cursor.fetchone()[0])
