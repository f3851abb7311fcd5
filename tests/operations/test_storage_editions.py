"""What differs between editions: on which one we run, chunks that are dropped, tables that move."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from inference.models import Prediction
from noctis.db.editions import Edition
from noctis.db.timescaledb import edition_of, has_timescaledb
from noctis.db.triggers import CREATE_ROW_TRIGGER, CREATE_TRUNCATE_TRIGGER
from operations import storage
from operations.models import DeviceDailySummary
from operations.policies import EPOCHS, PREDICTIONS, SERIES, Kind
from operations.services import policies
from recordings.models import Recording
from recordings.services import nights
from tenants.models import AuditEntry, Tenant
from tests.factories import PlatformFactory, TenantFactory
from tests.inference.staged import serve
from tests.operations.kept import DECISION, apply, days_after, let_go, rows_of, staged

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    serve()
    return TenantFactory()


@pytest.fixture
def hypertables() -> None:
    if storage.edition() == Edition.POSTGRES:
        pytest.skip("plain PostgreSQL has no hypertables: `make test-timescale` has them")


@pytest.fixture
def plain_tables(hypertables: None) -> None:
    """As somebody has them who comes from plain PostgreSQL: full of rows, in one piece."""
    for series in SERIES.values():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE moved (LIKE {series.table} INCLUDING ALL)")
            cursor.execute(f"ALTER TABLE {series.table} RENAME TO {series.table}_before")
            cursor.execute(f"ALTER TABLE moved RENAME TO {series.table}")
    with connection.cursor() as cursor:
        for statement in (CREATE_ROW_TRIGGER, CREATE_TRUNCATE_TRIGGER):
            cursor.execute(statement.format(table=PREDICTIONS.table))


def test_the_edition_is_told_by_trying_and_leaves_the_transaction_whole() -> None:
    found = edition_of(connection)

    assert (found == Edition.POSTGRES) == (not has_timescaledb(connection))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_series_are_hypertables_of_seven_days_where_there_are_any() -> None:
    found = storage.edition()

    expected = None if found == Edition.POSTGRES else 7
    assert {storage.chunk_days(series, found) for series in SERIES.values()} == {expected}


def test_a_chunk_that_nobody_needs_is_dropped_whole(tenant: Tenant, hypertables: None) -> None:
    PlatformFactory()
    night = staged(tenant)
    apply()

    taken = let_go(days_after(night, 100))

    night.refresh_from_db()
    assert (taken.chunks >= 1, rows_of(night), night.epoch_count) == (True, 0, 0)
    assert AuditEntry.objects.filter(action="retention.drop_chunk").exists()
    assert sum(day.epochs for day in DeviceDailySummary.objects.all()) == 60


def test_a_chunk_of_a_kept_night_stays_and_the_others_in_it_go(
    tenant: Tenant, hypertables: None
) -> None:
    kept, other = staged(tenant), staged(tenant)
    nights.keep(recording=kept)
    apply()

    taken = let_go(days_after(kept, 100))

    assert (taken.chunks, rows_of(kept), rows_of(other)) == (0, 60, 0)


def test_a_chunk_is_kept_for_the_tenant_that_may_keep_longest(
    tenant: Tenant, hypertables: None
) -> None:
    brief = TenantFactory(retention_days=10)
    theirs, ours = staged(brief), staged(tenant)
    apply()

    taken = let_go(days_after(theirs, 30))

    assert (taken.chunks, rows_of(theirs), rows_of(ours)) == (0, 0, 60)


def test_full_tables_become_hypertables_with_every_row(tenant: Tenant, plain_tables: None) -> None:
    first = staged(tenant)
    second = staged(tenant, started_at=timezone.now() - timedelta(days=20))
    before = list(Prediction.objects.order_by("pk").values_list("pk", "input_hash"))

    done = policies.ensure(kind=Kind.CHUNKS, decision=DECISION)

    found = storage.edition()
    assert [change.name for change in done.changes] == ["epochs.chunks", "predictions.chunks"]
    assert len(storage.chunks(EPOCHS, found)) >= 2
    assert storage.chunk_days(PREDICTIONS, found) == 7
    assert (rows_of(first), rows_of(second)) == (60, 60)
    assert list(Prediction.objects.order_by("pk").values_list("pk", "input_hash")) == before
    assert policies.ensure(kind=Kind.CHUNKS, decision=DECISION).changes == ()


def test_the_key_refuses_a_row_twice_on_every_edition(tenant: Tenant) -> None:
    night = staged(tenant)

    with (
        pytest.raises(DatabaseError, match="duplicate key"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"INSERT INTO {EPOCHS.table} SELECT * FROM {EPOCHS.table}")

    assert Recording.objects.get(pk=night.pk).epoch_count == rows_of(night)
