"""`manage.py openapi`: write docs/openapi.json and the generated tables of docs/api.md."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from noctis import manual
from noctis.commands import NoctisCommand, Row


class Command(NoctisCommand):
    help = "Write docs/openapi.json and the generated tables of docs/api.md."

    def run(self, options: Mapping[str, Any]) -> Row:
        schema = manual.document()
        if GENERATOR_STATS:
            GENERATOR_STATS.emit_summary()
            raise CommandError("The document has warnings.")
        validate_schema(schema)
        docs = settings.BASE_DIR / "docs"
        (docs / "openapi.json").write_bytes(manual.as_text(schema))
        page = docs / "api.md"
        page.write_text(manual.with_tables(page.read_text()))
        return {"written": "docs/openapi.json, docs/api.md"}
