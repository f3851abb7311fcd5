"""The full edition alone: the server's own compression, and what goes on beside it."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
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
    require_workers()
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT remove_compression_policy('recordings_epoch')")
        cursor.execute("SELECT decompress_chunk(c, true) FROM show_chunks('recordings_epoch') c")
        cursor.execute("ALTER TABLE recordings_epoch SET (timescaledb.compress = false)")


@pytest.mark.usefixtures("_for_others")
def test_the_server_runs_its_job_by_itself_and_the_state_says_how_it_went(
    old_night: Recording,
) -> None:
    apply()

    found = told_of_compression(runs=1)

    assert (found["done_by"], found["failures"], found["last_error"]) == ("server", 0, None)
    assert found["last_run_at"] <= found["last_finished_at"] < found["next_run_at"]
    assert chunks_compressed() == 1
    assert rows_of(old_night) == 60


@pytest.mark.usefixtures("_for_others")
def test_a_job_that_never_succeeded_is_told_with_its_error(old_night: Recording) -> None:
    with transaction.atomic():
        apply()
        break_the_job()

    found = told_of_compression(runs=1)

    assert (found["failures"], found["last_finished_at"]) == (1, None)
    assert found["last_error"]


def require_workers() -> None:
    """A server without them runs no job; with them, this database's are started at once."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW timescaledb.max_background_workers")
        if cursor.fetchone() == ("0",):
            pytest.skip("the server runs no jobs: timescaledb.max_background_workers is 0")
        cursor.execute("SELECT _timescaledb_functions.start_background_workers()")


def told_of_compression(runs: int) -> dict[str, Any]:
    """What the state says of it, once the server has run it that often."""
    deadline = time.monotonic() + 60
    while True:
        rows = bodies.status(status.status())["policies"]
        (found,) = [row for row in rows if row["policy"] == "epochs.compression"]
        if found["runs"] >= runs and (found["last_finished_at"] or found["failures"]):
            return dict(found)
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def break_the_job() -> None:
    """Its table is none, and nobody checks that; it is not tried again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job_id, config FROM timescaledb_information.jobs WHERE hypertable_name = %s",
            [EPOCHS.table],
        )
        ((job, config),) = cursor.fetchall()
        broken = json.dumps(json.loads(config) | {"hypertable_id": -1})
        cursor.execute("SELECT alter_job(%s, check_config => 0)", [job])
        cursor.execute("SELECT alter_job(%s, config => %s, max_retries => 0)", [job, broken])


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
