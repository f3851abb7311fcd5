"""Foreign keys over several columns, so that a row in the wrong tenant cannot exist.

Goes with `ForeignKey(db_constraint=False)`: that one is for Django, this one for PostgreSQL.
"""

from collections.abc import Collection, Sequence
from enum import Enum
from typing import Any, cast

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.ddl_references import Columns, Statement, Table
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import BaseConstraint, Field, ForeignKey, Model


class OnDelete(Enum):
    """What PostgreSQL does with the referring rows; NO ACTION refuses at commit."""

    NO_ACTION = "NO ACTION"
    RESTRICT = "RESTRICT"
    CASCADE = "CASCADE"


class CompositeForeignKey(BaseConstraint):
    """`fields` of a row name an existing row of `to` by its `to_fields`, which are unique there.

    A NULL in any field means no reference. The constraint is created at the end of its
    migration, so that within one migration the order of operations does not matter; across
    migrations the accompanying ForeignKey orders the tables, and the migration that makes
    `to_fields` unique must be a dependency.
    """

    sql_create = (
        "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s) "
        "REFERENCES %(to_table)s (%(to_columns)s) ON DELETE %(on_delete)s%(deferrable)s"
    )

    def __init__(
        self,
        *,
        fields: Sequence[str],
        to: str,
        to_fields: Sequence[str],
        name: str,
        on_delete: OnDelete = OnDelete.NO_ACTION,
    ) -> None:
        if len(fields) != len(to_fields) or len(fields) < 2:
            raise ValueError("fields and to_fields must be equally many, and at least two")
        super().__init__(name=name)
        self.fields = tuple(fields)
        self.to = to
        self.to_fields = tuple(to_fields)
        self.on_delete = OnDelete(on_delete)

    def constraint_sql(  # type: ignore[override]  # the stubs know only strings
        self, model: type[Model], schema_editor: DatabaseSchemaEditor
    ) -> None:
        """Nothing inside CREATE TABLE: the other table may come later in the migration."""
        self.create_sql(model, schema_editor)

    def create_sql(  # type: ignore[override]  # the stubs know only strings
        self, model: type[Model], schema_editor: DatabaseSchemaEditor
    ) -> None:
        schema_editor.deferred_sql.append(self._statement(model, schema_editor))

    def remove_sql(  # type: ignore[override]  # the stubs know only strings
        self, model: type[Model], schema_editor: DatabaseSchemaEditor
    ) -> Statement:
        quote = schema_editor.quote_name
        table = Table(model._meta.db_table, quote)
        return Statement(schema_editor.sql_delete_fk, table=table, name=quote(self.name))

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Collection[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Say which reference is wrong. A form without the tenant's field is checked as well."""
        reference = self._references(model)[0]
        wanted = self._wanted(model, instance)
        if reference.name in (exclude or ()) or None in wanted.values():
            return
        target = self._target(model)
        if not target._base_manager.using(using).filter(**wanted).exists():
            shared = ", ".join(name for name in self.fields if name != reference.name)
            message = f"There is no such {target._meta.verbose_name} with the same {shared}."
            raise ValidationError({reference.name: ValidationError(message, code=self.name)})

    def __eq__(self, other: object) -> bool:
        """What makemigrations compares: unequal constraints are dropped and made anew."""
        if not isinstance(other, CompositeForeignKey):
            return NotImplemented
        return self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs |= {"fields": self.fields, "to": self.to, "to_fields": self.to_fields}
        if self.on_delete is not OnDelete.NO_ACTION:
            kwargs["on_delete"] = self.on_delete
        return path, args, kwargs

    def _statement(self, model: type[Model], schema_editor: DatabaseSchemaEditor) -> Statement:
        target, quote = self._target(model), schema_editor.quote_name
        return Statement(
            self.sql_create,
            table=Table(model._meta.db_table, quote),
            name=quote(self.name),
            columns=columns(model, self.fields, schema_editor),
            to_table=Table(target._meta.db_table, quote),
            to_columns=columns(target, self.to_fields, schema_editor),
            on_delete=self.on_delete.value,
            deferrable=schema_editor.connection.ops.deferrable_sql(),
        )

    def _target(self, model: type[Model]) -> type[Model]:
        return model._meta.apps.get_model(self.to)

    def _references(self, model: type[Model]) -> list[ForeignKey]:
        """The ForeignKeys among the fields that Django knows to lead to the same table."""
        target = self._target(model)
        return [
            field
            for field in fields_named(model, self.fields)
            if isinstance(field, ForeignKey) and field.related_model is target
        ]

    def _wanted(self, model: type[Model], instance: Model) -> dict[str, object]:
        fields = fields_named(model, self.fields)
        values = [field.to_python(getattr(instance, field.attname)) for field in fields]
        return dict(zip(self.to_fields, values, strict=True))

    def _check(
        self,
        model: type[Model],
        connection: BaseDatabaseWrapper,  # Django's signature
    ) -> list[checks.CheckMessage]:
        check_names = model._check_local_fields  # type: ignore[attr-defined]  # not in the stubs
        errors: list[checks.CheckMessage] = check_names(self.fields, "constraints")
        if errors:
            return errors
        if not self._references(model):
            text = f"'{self.name}' needs a ForeignKey to {self.to} among its fields."
            errors.append(checks.Error(text, obj=model, id="noctis.db.E001"))
        if frozenset(self.to_fields) not in unique_sets(self._target(model)):
            text = f"'{self.name}' needs {self.to_fields} to be unique in {self.to}."
            errors.append(checks.Error(text, obj=model, id="noctis.db.E002"))
        return errors


def fields_named(model: type[Model], names: Sequence[str]) -> list[Field]:
    return [cast("Field", model._meta.get_field(name)) for name in names]


def columns(
    model: type[Model], names: Sequence[str], schema_editor: DatabaseSchemaEditor
) -> Columns:
    named = [str(field.column) for field in fields_named(model, names)]
    return Columns(model._meta.db_table, named, schema_editor.quote_name)


def unique_sets(model: type[Model]) -> set[frozenset[str]]:
    """The sets of several fields that a foreign key may refer to."""
    options = model._meta
    return {
        frozenset(field.name for field in options.pk_fields),
        *(frozenset(names) for names in options.unique_together),
        *(
            frozenset(constraint.fields)
            for constraint in options.total_unique_constraints
            if constraint.deferrable is None
        ),
    }
