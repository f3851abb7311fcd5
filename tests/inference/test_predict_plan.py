"""What a question costs the database as the tables grow that its plans were made for."""

import numpy as np
import pytest
from django.db import connection, transaction

from inference import queries, rows
from inference.models import ModelVersion, Pass, Role
from recordings.models import Recording
from tests.factories import DeviceFactory, ModelVersionFactory
from tests.recordings.test_append_plan import GENERIC_AFTER, fetched, night

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_schemas")]


def test_a_question_reads_no_other_night_of_its_tenant_however_many_there_are() -> None:
    device = DeviceFactory()
    with connection.cursor() as cursor:
        # Autovacuum, which may come at any time, would give the pages back.
        cursor.execute("LOCK TABLE recordings_recording IN SHARE UPDATE EXCLUSIVE MODE")
    with transaction.atomic():
        # Pages of what is gone: over a few pages with six rows no index is worth its while.
        Recording.objects.bulk_create(night(device, n) for n in range(2_000, 3_000))
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        # An index with what is gone, or was in other tests, may look dearer than all pages.
        cursor.execute("REINDEX TABLE recordings_recording")
    # Each tenant has one: its index looks as good as a night's own key.
    first, *_ = Recording.objects.bulk_create(
        night(own, 0) for own in (device, *DeviceFactory.create_batch(2))
    )
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")  # those that other tests left in this session
        cursor.execute("ANALYZE recordings_recording")  # as autovacuum does with a young table
    # Known to this session or not, by then its one plan is made.
    for _ in range(2 * GENERIC_AFTER):
        assert queries.night_of(device.tenant, first.uuid, newest=121)
    *_, last = Recording.objects.bulk_create(night(device, n) for n in range(100, 1_100))

    before = fetched()
    assert queries.night_of(device.tenant, last.uuid, newest=121)

    assert fetched() - before == 1


def test_logging_a_stage_reads_no_other_night_of_its_tenant() -> None:
    device, version = DeviceFactory(), ModelVersionFactory()
    first, *_ = Recording.objects.bulk_create(night(device, n) for n in range(GENERIC_AFTER))
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
    for epoch in range(2 * GENERIC_AFTER):
        log_one(first, version, epoch)
    *_, last = Recording.objects.bulk_create(night(device, n) for n in range(100, 1_100))

    before = fetched()
    log_one(last, version, 0)

    assert fetched() - before == 1


def log_one(recording: Recording, version: ModelVersion, epoch: int) -> None:
    occasion = rows.Occasion(
        recording.tenant_id,
        recording.pk,
        recording.started_at,
        version.pk,
        Role.PRODUCTION,
        Pass.LIVE,
    )
    one = np.ones(1)
    given = rows.Given(
        np.array([epoch]), one.astype(int), np.full((1, 4), 0.25, np.float32), one, bytes(16)
    )
    assert not rows.log(occasion, given, 1).is_known.any()


@pytest.mark.parametrize("name", ["noctis_log_predictions", "noctis_known_predictions"])
def test_the_log_plans_once_and_never_to_read_all_of_itself(name: str) -> None:
    """Planning anew took more than the rest of a question's time in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = %s", [name])
        (settings,) = cursor.fetchone()

    assert {"plan_cache_mode=force_generic_plan", "enable_seqscan=off"} <= set(settings)
