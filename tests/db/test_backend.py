"""The engine on whatever server the suite runs on: keys stay, and series need the right one."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.color import no_style
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps
from prometheus_client import REGISTRY
from timescale.db.models.fields import TimescaleDateTimeField

from noctis.db.backend.base import DatabaseWrapper
from noctis.db.timescaledb import has_timescaledb, offers_timescaledb
from noctis.db.triggers import AppendOnly
from tests.db.tables import make_tables, series_model

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def is_hypertable(table: str) -> bool:
    if not has_timescaledb(connection):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM timescaledb_information.hypertables"
            " WHERE hypertable_name = %s)",
            [table],
        )
        return cursor.fetchone()[0]


def statements_counted() -> float:
    labels = {"alias": "default", "vendor": "postgresql"}
    return REGISTRY.get_sample_value("django_db_execute_total", labels) or 0.0


def test_the_engine_is_ours() -> None:
    assert isinstance(connection._connections[connection._alias], DatabaseWrapper)


def test_a_series_keeps_its_composite_key() -> None:
    sample = series_model(key=("night", "taken_at"))

    make_tables(sample)

    with connection.cursor() as cursor:
        key = connection.introspection.get_primary_key_columns(cursor, "tests_sample")
    assert key == ["night", "taken_at"]


def test_the_database_refuses_a_duplicate_in_a_series() -> None:
    sample = series_model(key=("night", "taken_at"))
    make_tables(sample)
    sample.objects.create(night=1, taken_at=NOON)

    with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
        sample.objects.bulk_create([sample(night=1, taken_at=NOON)])

    assert sample.objects.count() == 1


def test_a_series_is_a_hypertable_exactly_where_the_extension_is_installed() -> None:
    make_tables(series_model(key=("night", "taken_at")))

    assert is_hypertable("tests_sample") == has_timescaledb(connection)


@pytest.mark.parametrize("key", [None, ("id", "night")])
def test_a_series_without_time_in_its_key_is_refused(key: tuple[str, ...] | None) -> None:
    with isolate_apps("tests"):

        class Sample(models.Model):
            if key:
                pk = models.CompositePrimaryKey(*key)
                id = models.IntegerField()
            night = models.IntegerField()
            taken_at = TimescaleDateTimeField(interval="7 days")

            class Meta:
                app_label = "tests"

    with pytest.raises(ImproperlyConfigured, match=r"CompositePrimaryKey\(…, 'taken_at'\)"):
        make_tables(Sample)


def test_turning_a_plain_table_into_a_series_needs_time_in_its_key() -> None:
    with isolate_apps("tests"):

        class Sample(models.Model):
            taken_at = models.DateTimeField()

            class Meta:
                app_label = "tests"

    make_tables(Sample)
    old, new = Sample._meta.get_field("taken_at"), TimescaleDateTimeField(interval="7 days")
    new.set_attributes_from_name("taken_at")
    new.model = Sample

    with pytest.raises(ImproperlyConfigured), connection.schema_editor() as editor:
        editor.alter_field(Sample, old, new)
    with pytest.raises(ImproperlyConfigured), connection.schema_editor() as editor:
        editor.add_field(Sample, new)


def test_a_plain_table_with_time_in_its_key_becomes_a_series() -> None:
    plain, series = (
        series_model(key=("night", "taken_at"), time=time)
        for time in (models.DateTimeField(), TimescaleDateTimeField(interval="7 days"))
    )
    make_tables(plain)
    plain.objects.create(night=1, taken_at=NOON)

    with connection.schema_editor() as editor:
        fields = [model._meta.get_field("taken_at") for model in (plain, series)]
        editor.alter_field(series, *fields)

    assert is_hypertable("tests_sample") == has_timescaledb(connection)
    assert series.objects.get().pk == (1, NOON)


def test_changing_the_chunk_interval_works_on_every_edition() -> None:
    weekly, daily = (
        series_model(
            key=("night", "taken_at"), time=TimescaleDateTimeField(interval=f"{days} days")
        )
        for days in (7, 1)
    )
    make_tables(weekly)

    with connection.schema_editor() as editor:
        editor.alter_field(
            daily, weekly._meta.get_field("taken_at"), daily._meta.get_field("taken_at")
        )

    assert daily.objects.count() == 0


def test_preparing_a_database_installs_the_extension_only_where_it_is_offered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection.prepare_database()

    assert has_timescaledb(connection) == offers_timescaledb(connection)
    assert caplog.records == []


def test_statements_are_counted() -> None:
    before = statements_counted()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.execute("SELECT 2")

    assert statements_counted() - before == 2


def test_the_test_runners_flush_empties_an_append_only_table() -> None:
    sample = series_model(key=("night", "taken_at"))
    make_tables(sample)
    protect("tests_sample")
    sample.objects.create(night=1, taken_at=NOON)

    flush("tests_sample")

    assert not sample.objects.exists()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run("TRUNCATE tests_sample")


def test_any_other_flush_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    make_tables(series_model(key=("night", "taken_at")))
    protect("tests_sample")
    monkeypatch.setattr(connection.creation, "made_test_database", False)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        flush("tests_sample")


def protect(table: str) -> None:
    with connection.schema_editor() as editor:
        AppendOnly(table).database_forwards("tests", editor, None, None)


def flush(table: str) -> None:
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), [table]))


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
