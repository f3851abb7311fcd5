"""The full edition alone: the server's own compression, and what goes on beside it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from noctis.db.editions import Edition
from operations import storage
from operations.bodies import storage as bodies
from operations.policies import EPOCHS
from operations.services import jobs, policies, status
from recordings.models import Recording
from tenants.models import Tenant
from tests.factories import TenantFactory
from tests.inference.staged import send, serve
from tests.operations.kept import apply, days_after, let_go, rows_of, staged

pytestmark = [pytest.mark.django_db, pytest.mark.tsl]


@pytest.fixture(autouse=True)
def _full() -> None:
    if storage.edition() != Edition.TIMESCALE:
        pytest.skip("needs the full TimescaleDB behind INTEGRATION_TEST_DATABASE_URL")


@pytest.fixture
def tenant(_full: None) -> Tenant:
    serve()
    return TenantFactory()


@pytest.fixture
def old_night(tenant: Tenant) -> Recording:
    return staged(tenant, 60, timezone.now().replace(microsecond=0) - timedelta(days=40))


def compressed() -> int:
    """Compress every chunk of epochs, as the server's job would; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(compress_chunk(c)) FROM show_chunks('recordings_epoch') c")
        return int(cursor.fetchone()[0])


def job_runs() -> None:
    """The server's own job, here and now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_name = %s",
            [EPOCHS.table],
        )
        ((job,),) = cursor.fetchall()
        cursor.execute(f"CALL run_job({job})")


def chunks_compressed() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM timescaledb_information.chunks"
            " WHERE hypertable_name = %s AND is_compressed",
            [EPOCHS.table],
        )
        return int(cursor.fetchone()[0])


def test_compression_is_applied_read_back_and_then_nothing_is_left_to_do() -> None:
    apply()

    found = jobs.compressed_after_days(series=EPOCHS, edition=Edition.TIMESCALE)
    assert (found, policies.plan().changes) == (7, ())


def test_a_changed_number_replaces_the_servers_job(settings: LazySettings) -> None:
    apply()
    settings.EPOCHS_COMPRESSION_AFTER_DAYS = 14

    changed = apply().changes

    found = jobs.compressed_after_days(series=EPOCHS, edition=Edition.TIMESCALE)
    assert [(row.name, row.action) for row in changed] == [("epochs.compression", "replace")]
    assert found == 14


def test_a_job_that_somebody_changed_by_hand_shows_in_the_plan() -> None:
    apply()
    with connection.cursor() as cursor:
        cursor.execute("SELECT remove_compression_policy('recordings_epoch')")

    (change,) = policies.plan().changes

    assert (change.name, change.action) == ("epochs.compression", "add")


@pytest.fixture
def _for_others(_full: None, committed_rows: None) -> Iterator[None]:
    """The server's job commits, so what it leaves behind is taken back by hand."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT remove_compression_policy('recordings_epoch')")
        cursor.execute("SELECT decompress_chunk(c, true) FROM show_chunks('recordings_epoch') c")
        cursor.execute("ALTER TABLE recordings_epoch SET (timescaledb.compress = false)")


@pytest.mark.usefixtures("_for_others")
def test_the_servers_job_compresses_old_chunks_and_the_rows_stay(old_night: Recording) -> None:
    young = staged(old_night.tenant)
    apply()

    job_runs()

    found = bodies.status(status.status())
    series = {row["series"]: row for row in found["series"]}
    assert chunks_compressed() == 1
    assert series["epochs"]["compression_ratio"] > 0
    assert (rows_of(old_night), rows_of(young)) == (60, 60)


def test_late_epochs_go_into_a_compressed_chunk(old_night: Recording) -> None:
    apply()
    assert compressed() >= 1

    send(old_night, 10, first=60)
    send(old_night, 10, first=60)

    assert (rows_of(old_night), old_night.epoch_count) == (70, 70)


def test_a_brief_tenants_nights_go_out_of_compressed_chunks(old_night: Recording) -> None:
    apply()
    compressed()
    Tenant.objects.filter(pk=old_night.tenant_id).update(retention_days=45)

    taken = let_go(days_after(old_night, 47))

    old_night.refresh_from_db()
    assert (taken.rows, taken.chunks, old_night.epoch_count) == (60, 0, 0)


def test_compressed_chunks_are_dropped_at_the_platforms_limit(old_night: Recording) -> None:
    apply()
    compressed()

    taken = let_go(days_after(old_night, 100))

    old_night.refresh_from_db()
    assert (taken.chunks >= 1, rows_of(old_night), old_night.epoch_count) == (True, 0, 0)
