"""`manage.py schema`: which feature schemas there are, and which one is spoken."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from noctis import errors
from noctis.commands import Row, VerbCommand
from recordings import schemas
from recordings.models import FeatureSchema
from recordings.schemas import BadSchema, Feature
from recordings.services import schemas as services
from tenants.lookups import shell_actor


class Command(VerbCommand):
    help = "Feature schemas: what the numbers of an epoch mean."
    verbs = {
        "list": "show every version",
        "show": "show a version's features in order",
        "add": "keep a new version from a JSON file: {version, features}",
        "activate": "make a version the one that ingest takes",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        if verb in ("show", "activate"):
            parser.add_argument("version")
        if verb == "add":
            parser.add_argument("file", type=Path, help="as `show --json` prints it")

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        return [_row(row) for row in FeatureSchema.objects.all()]

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        """`show` is also what prints any answer, so the verb of that name is another method."""
        return self.document(options) if options["verb"] == "show" else super().run(options)

    def document(self, options: Mapping[str, Any]) -> Row:
        row = FeatureSchema.objects.filter(version=options["version"]).first()
        if row is None:
            raise errors.Missing(f"There is no schema {options['version']}.")
        return {"version": row.version, "features": row.features}

    def show(self, answer: Row | Sequence[Row]) -> None:
        is_document = isinstance(answer, Mapping) and isinstance(answer["features"], Sequence)
        super().show(answer["features"] if is_document else answer)  # type: ignore[call-overload]  # a mapping here

    def add(self, options: Mapping[str, Any]) -> Row:
        version, features = _read(options["file"])
        row = services.add_schema(version=version, features=features, actor=shell_actor())
        return _row(row)

    def activate(self, options: Mapping[str, Any]) -> Row:
        row = services.activate_schema(version=options["version"], actor=shell_actor())
        return _row(row)


def _read(path: Path) -> tuple[str, tuple[Feature, ...]]:
    try:
        return schemas.written(msgspec.json.decode(path.read_bytes()))
    except OSError as error:
        raise errors.Invalid(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"{path} is not JSON: {error}") from None
    except BadSchema as error:
        raise errors.Invalid(str(error)) from None


def _row(row: FeatureSchema) -> Row:
    return {
        "version": row.version,
        "active": "yes" if row.is_active else "no",
        "features": len(row.features),
        "hash": row.digest,
    }
