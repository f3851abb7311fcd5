"""A table that only grows: what the trigger refuses, and the one door through it."""

from collections.abc import Callable

import pytest
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from noctis.db.maintenance import maintenance
from noctis.db.triggers import AppendOnly
from tests.db.tables import make_tables

pytestmark = pytest.mark.django_db

CHANGES = [
    "UPDATE tests_entry SET text = 'other'",
    "DELETE FROM tests_entry",
    "TRUNCATE tests_entry",
]


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def migrate(step: Callable[..., None]) -> None:
    with connection.schema_editor() as editor:
        step("tests", editor, ProjectState(), ProjectState())


def functions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_proc WHERE proname = 'noctis_refuse_change'")
        return cursor.fetchone()[0]


@pytest.fixture
def entry(db: None) -> type[models.Model]:
    """An append-only table with one row in it."""
    with isolate_apps("tests"):

        class Entry(models.Model):
            text = models.TextField()

            class Meta:
                app_label = "tests"

    make_tables(Entry)
    migrate(AppendOnly("tests_entry").database_forwards)
    Entry.objects.create(text="first")
    return Entry


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused(entry: type[models.Model], change: str) -> None:
    with pytest.raises(IntegrityError, match="tests_entry is append-only"), transaction.atomic():
        run(change)

    assert entry.objects.get().text == "first"


def test_rows_can_still_be_added(entry: type[models.Model]) -> None:
    entry.objects.create(text="second")

    assert entry.objects.count() == 2


@pytest.mark.parametrize("change", CHANGES)
def test_maintenance_may_change_rows(entry: type[models.Model], change: str) -> None:
    with maintenance():
        run(change)

    assert not entry.objects.filter(text="first").exists()


@pytest.mark.parametrize("change", CHANGES)
def test_maintenance_ends_with_its_block(entry: type[models.Model], change: str) -> None:
    with maintenance():
        pass

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(change)


def test_an_error_ends_maintenance_and_undoes_its_changes(entry: type[models.Model]) -> None:
    with pytest.raises(DataError), maintenance():
        run("DELETE FROM tests_entry; SELECT 1 / 0")

    assert entry.objects.count() == 1
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("DELETE FROM tests_entry")


def test_maintenance_inside_maintenance_leaves_the_outer_one_open(
    entry: type[models.Model],
) -> None:
    with maintenance():
        with maintenance():
            pass
        run("DELETE FROM tests_entry")

    assert not entry.objects.exists()


def test_a_partition_cannot_be_changed_behind_its_parents_back() -> None:
    run("CREATE TABLE tests_log (at int NOT NULL) PARTITION BY RANGE (at)")
    run("CREATE TABLE tests_log_1 PARTITION OF tests_log FOR VALUES FROM (0) TO (10)")
    migrate(AppendOnly("tests_log").database_forwards)
    run("INSERT INTO tests_log VALUES (5)")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("DELETE FROM tests_log_1")


def test_going_back_lifts_the_refusal(entry: type[models.Model]) -> None:
    migrate(AppendOnly("tests_entry").database_backwards)

    run("DELETE FROM tests_entry")

    assert not entry.objects.exists()


def test_the_function_is_shared_and_goes_with_its_last_table(entry: type[models.Model]) -> None:
    others = functions_used_elsewhere()
    run("CREATE TABLE tests_other ()")
    migrate(AppendOnly("tests_other").database_forwards)

    migrate(AppendOnly("tests_other").database_backwards)
    with_one_table = functions()
    migrate(AppendOnly("tests_entry").database_backwards)

    assert with_one_table == 1
    assert functions() == (1 if others else 0)


def functions_used_elsewhere() -> int:
    """The applications' own append-only tables keep the function, whatever these tests drop."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgfoid = 'noctis_refuse_change'::regproc"
            " AND tgrelid <> 'tests_entry'::regclass AND NOT tgisinternal"
        )
        return cursor.fetchone()[0]


def test_a_migration_names_the_table_and_not_the_statements() -> None:
    migration = type("Migration", (Migration,), {"operations": [AppendOnly("tests_entry")]})

    written = MigrationWriter(migration("0001_initial", "tests")).as_string()

    assert "tests_entry" in written
    assert "noctis.db.triggers.AppendOnly(" in written
    assert "TRIGGER" not in written
