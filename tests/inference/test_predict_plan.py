"""What a question costs the database as the tables grow that its plans were made for."""

import pytest
from django.db import connection, transaction

from inference import queries
from recordings.models import Recording
from tests.factories import DeviceFactory
from tests.recordings.test_append_plan import GENERIC_AFTER, fetched, night

pytestmark = pytest.mark.django_db


def test_a_question_reads_no_other_night_of_its_tenant_however_many_there_are() -> None:
    device = DeviceFactory()
    with transaction.atomic():
        # Pages of what is gone: over a few pages with six rows no index is worth its while.
        Recording.objects.bulk_create(night(device, n) for n in range(2_000, 3_000))
        transaction.set_rollback(True)
    first, *_ = Recording.objects.bulk_create(night(device, n) for n in range(GENERIC_AFTER))
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


@pytest.mark.parametrize("name", ["noctis_log_predictions", "noctis_known_predictions"])
def test_the_log_plans_once_and_never_to_read_all_of_itself(name: str) -> None:
    """Planning anew took more than the rest of a question's time in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = %s", [name])
        (settings,) = cursor.fetchone()

    assert {"plan_cache_mode=force_generic_plan", "enable_seqscan=off"} <= set(settings)
