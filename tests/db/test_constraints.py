"""A row that names a row of another tenant: refused by the database and explained by validation."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from noctis.db.constraints import CompositeForeignKey, OnDelete
from tests.db.tables import TENANT_AND_CLIENT, make_tables, tenancy_models

pytestmark = pytest.mark.django_db

NAME = "tests_key_client_owned"


def state_of(*classes: type[models.Model]) -> ProjectState:
    state = ProjectState()
    for model in classes:
        state.add_model(ModelState.from_model(model))
    return state


def changes(old: ProjectState, new: ProjectState) -> Migration:
    """The one migration that makemigrations would write, after a round trip through its text."""
    detector = MigrationAutodetector(old, new, MigrationQuestioner({"ask_initial": True}))
    (migration,) = detector.changes(graph=MigrationGraph(), trim_to_apps={"tests"})["tests"]
    namespace: dict[str, type[Migration]] = {}
    exec(MigrationWriter(migration).as_string(), namespace)
    return namespace["Migration"]("0001_step", "tests")


def apply(migration: Migration, state: ProjectState) -> ProjectState:
    # The test's own transaction does: Django's editor leaves its own open when the last step fails.
    with connection.schema_editor(atomic=False) as editor:
        return migration.apply(state.clone(), editor)


@contextmanager
def committed() -> Iterator[None]:
    """What a commit would check, checked at the end of the block."""
    with transaction.atomic():
        yield
        connection.check_constraints()


def constraint_exists() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_constraint WHERE conname = %s AND contype = 'f'", [NAME]
        )
        return cursor.fetchone()[0] == 1


def two_tenants(tenant: type[models.Model], client: type[models.Model]) -> tuple[models.Model, ...]:
    """Two tenants, and a client of the first."""
    own, other = tenant.objects.create(), tenant.objects.create()
    return own, other, client.objects.create(tenant=own)


def test_a_row_in_the_wrong_tenant_cannot_exist() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    _, other, strangers = two_tenants(tenant, client)

    with pytest.raises(IntegrityError, match=NAME), committed():
        key.objects.create(tenant=other, client=strangers)


def test_a_row_cannot_be_moved_to_another_tenant() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    own, other, mine = two_tenants(tenant, client)
    key.objects.create(tenant=own, client=mine)

    for moved in (key, client):
        with pytest.raises(IntegrityError, match=NAME), committed():
            moved.objects.update(tenant=other)


def test_a_row_in_the_right_tenant_and_one_without_a_reference_are_kept() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    own, other, mine = two_tenants(tenant, client)

    key.objects.create(tenant=own, client=mine)
    key.objects.create(tenant=other, client=None)
    connection.check_constraints()

    assert key.objects.count() == 2


def test_rows_may_come_in_any_order_within_a_transaction() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    own = tenant.objects.create()

    key.objects.create(tenant=own, client_id=4711)
    client.objects.create(pk=4711, tenant=own)
    connection.check_constraints()

    assert key.objects.get().client.tenant == own


@pytest.mark.parametrize(
    ("on_delete", "left"), [(OnDelete.CASCADE, 0), (OnDelete.RESTRICT, 1), (OnDelete.NO_ACTION, 1)]
)
def test_the_database_deletes_or_refuses_as_the_constraint_says(
    on_delete: OnDelete, left: int
) -> None:
    tenant, client, key = tenancy_models(on_delete=on_delete)
    make_tables(tenant, client, key)
    own, _, mine = two_tenants(tenant, client)
    key.objects.create(tenant=own, client=mine)
    delete = "DELETE FROM tests_client"

    if left:
        with pytest.raises(IntegrityError, match=NAME), committed():
            run(delete)
    else:
        run(delete)

    assert key.objects.count() == left


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_validation_names_the_field_that_leads_to_another_tenant() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    own, other, mine = two_tenants(tenant, client)

    key(tenant=own, client=mine).full_clean()
    with pytest.raises(ValidationError) as refusal:
        key(tenant=other, client=mine).full_clean()

    assert refusal.value.message_dict == {
        "client": ["There is no such client with the same tenant."]
    }


def test_a_form_without_the_tenants_field_is_checked_all_the_same() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    _, other, mine = two_tenants(tenant, client)

    with pytest.raises(ValidationError, match="no such client"):
        key(tenant=other, client=mine).full_clean(exclude={"tenant"})


def test_validation_leaves_alone_what_is_empty_or_already_wrong() -> None:
    tenant, client, key = tenancy_models()
    make_tables(tenant, client, key)
    _, other, mine = two_tenants(tenant, client)

    key(tenant=other, client=None).full_clean()
    key(client=mine).validate_constraints()
    key(tenant=other, client=mine).full_clean(exclude={"client"})
    with pytest.raises(ValidationError) as refusal:
        key(tenant_id="nonsense", client=mine).full_clean()

    assert "tenant" in refusal.value.message_dict


def test_one_migration_makes_the_tables_in_whatever_order_the_names_have() -> None:
    models_of_app = tenancy_models()
    migration = changes(ProjectState(), state_of(*models_of_app))

    apply(migration, ProjectState())

    assert constraint_exists()


def test_a_constraint_can_be_added_and_removed_later_with_rows_waiting() -> None:
    bare, bound = tenancy_models(constrained=False), tenancy_models()
    before, after = state_of(*bare), state_of(*bound)
    make_tables(*bare)
    own, _, mine = two_tenants(*bare[:2])
    connection.check_constraints()

    state = apply(changes(before, after), before)
    added = constraint_exists()
    bound[2].objects.create(tenant_id=own.pk, client_id=mine.pk)
    connection.check_constraints()
    apply(changes(after, before), state)

    assert added
    assert not constraint_exists()


def test_a_migration_that_adds_a_constraint_can_be_taken_back() -> None:
    bare, bound = tenancy_models(constrained=False), tenancy_models()
    before = state_of(*bare)
    make_tables(*bare)
    migration = changes(before, state_of(*bound))
    apply(migration, before)

    with connection.schema_editor(atomic=True) as editor:
        migration.unapply(before, editor)

    assert not constraint_exists()


def test_altering_a_constraint_replaces_it() -> None:
    refusing = tenancy_models()
    cascading = tenancy_models(on_delete=OnDelete.CASCADE)
    make_tables(*refusing)
    own, _, mine = two_tenants(*refusing[:2])
    refusing[2].objects.create(tenant=own, client=mine)
    connection.check_constraints()
    before = state_of(*refusing)

    apply(changes(before, state_of(*cascading)), before)
    run("DELETE FROM tests_client")

    assert not refusing[2].objects.exists()


def test_adding_over_rows_that_break_the_rule_is_refused() -> None:
    bare, bound = tenancy_models(constrained=False), tenancy_models()
    before = state_of(*bare)
    make_tables(*bare)
    _, other, mine = two_tenants(*bare[:2])
    bare[2].objects.create(tenant=other, client=mine)
    connection.check_constraints()

    with pytest.raises(IntegrityError, match=NAME), transaction.atomic():
        apply(changes(before, state_of(*bound)), before)


def test_nothing_changed_means_no_migration() -> None:
    detector = MigrationAutodetector(state_of(*tenancy_models()), state_of(*tenancy_models()))

    assert detector.changes(graph=MigrationGraph()) == {}


def test_unequal_or_single_columns_are_refused() -> None:
    for own, other in ((("tenant", "client"), ("id",)), (("client",), ("id",))):
        with pytest.raises(ValueError, match="equally many"):
            CompositeForeignKey(fields=own, to="tests.Client", to_fields=other, name="n")


def test_the_system_check_asks_for_the_key_and_for_uniqueness() -> None:
    with isolate_apps("tests"):

        class Client(models.Model):
            tenant = models.IntegerField()

            class Meta:
                app_label = "tests"

        class Key(models.Model):
            tenant = models.IntegerField()
            client = models.IntegerField()

            class Meta:
                app_label = "tests"
                constraints = [CompositeForeignKey(**TENANT_AND_CLIENT, name=NAME)]

    found = {message.id for message in Key.check(databases=["default"])}

    assert {"noctis.db.E001", "noctis.db.E002"} <= found


def test_the_system_check_is_content_with_a_proper_constraint() -> None:
    _, _, key = tenancy_models()

    assert key.check(databases=["default"]) == []
