"""Creates hypertables where there are any, and never gives up a key to do so."""

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Field, Model
from timescale.db.backends.postgresql.schema import TimescaleSchemaEditor
from timescale.db.models.fields import TimescaleDateTimeField

from noctis.db.timescaledb import has_timescaledb


class DatabaseSchemaEditor(TimescaleSchemaEditor):
    # TimescaleDB would add an index on time alone: the key covers the queries there are.
    sql_add_hypertable = TimescaleSchemaEditor.sql_add_hypertable.replace(
        "migrate_data =>", "create_default_indexes => false, migrate_data =>"
    )

    def create_model(self, model: type[Model]) -> None:
        for field in model._meta.local_fields:
            refuse_key_without_time(field)
        super().create_model(model)

    def add_field(self, model: type[Model], field: Field) -> None:
        refuse_key_without_time(field)
        super().add_field(model, field)

    def alter_field(
        self, model: type[Model], old_field: Field, new_field: Field, strict: bool = False
    ) -> None:
        refuse_key_without_time(new_field)
        super().alter_field(model, old_field, new_field, strict)

    def _create_hypertable(
        self, model: type[Model], field: TimescaleDateTimeField, should_migrate: bool = False
    ) -> None:
        if has_timescaledb(self.connection):
            super()._create_hypertable(model, field, should_migrate)

    def _set_chunk_time_interval(self, model: type[Model], field: TimescaleDateTimeField) -> None:
        if has_timescaledb(self.connection):
            super()._set_chunk_time_interval(model, field)

    def _drop_primary_key(self, model: type[Model]) -> None:
        """Keep it: it contains the time column, or the model was refused."""


def refuse_key_without_time(field: Field) -> None:
    """A hypertable's key contains its time column; the same is asked of every edition."""
    options = field.model._meta
    if isinstance(field, TimescaleDateTimeField) and field.name not in key_names(field.model):
        raise ImproperlyConfigured(
            f"{options.label} is a time series over '{field.name}', so its primary key must"
            f" contain that field: pk = CompositePrimaryKey(…, '{field.name}')."
        )


def key_names(model: type[Model]) -> set[str]:
    return {field.name for field in model._meta.pk_fields}
