"""Throw-away models and tables: they live inside one test's transaction and in no app."""

from django.db import connection, models
from django.db.models import Model
from django.test.utils import isolate_apps
from timescale.db.models.fields import TimescaleDateTimeField

from noctis.db.constraints import CompositeForeignKey, OnDelete

TENANT_AND_CLIENT = {
    "fields": ("tenant", "client"),
    "to": "tests.Client",
    "to_fields": ("tenant", "id"),
}


def make_tables(*classes: type[Model]) -> None:
    """One schema editor makes them all, as one migration would."""
    with connection.schema_editor() as editor:
        for model in classes:
            editor.create_model(model)


@isolate_apps("tests")
def series_model(*, key: tuple[str, ...], time: models.Field | None = None) -> type[Model]:
    class Sample(models.Model):
        pk = models.CompositePrimaryKey(*key)
        night = models.IntegerField()
        taken_at = time or TimescaleDateTimeField(interval="7 days")

        class Meta:
            app_label = "tests"

    return Sample


def tenancy_models(
    *, on_delete: OnDelete = OnDelete.NO_ACTION, constrained: bool = True
) -> tuple[type[Model], type[Model], type[Model]]:
    """Tenant, Client and Key: a key names a client of its own tenant."""
    constraint = CompositeForeignKey(
        **TENANT_AND_CLIENT, name="tests_key_client_owned", on_delete=on_delete
    )
    with isolate_apps("tests"):

        class Tenant(models.Model):
            class Meta:
                app_label = "tests"

        class Client(models.Model):
            tenant = models.ForeignKey(Tenant, models.CASCADE)

            class Meta:
                app_label = "tests"
                constraints = [
                    models.UniqueConstraint(fields=("tenant", "id"), name="tests_client_owned")
                ]

        class Key(models.Model):
            tenant = models.ForeignKey(Tenant, models.CASCADE)
            client = models.ForeignKey(
                Client, models.CASCADE, db_constraint=False, null=True, blank=True
            )

            class Meta:
                app_label = "tests"
                constraints = [constraint] if constrained else []

    return Tenant, Client, Key
