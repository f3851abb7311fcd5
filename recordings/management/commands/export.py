"""`manage.py export`: a table of nights, whole or what came since the last time."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from noctis import errors
from noctis.commands import Row, VerbCommand, quiet
from recordings.services import exports
from recordings.services.exports import Export
from recordings.tables import FORMATS, TABLES
from tenants.lookups import tenant_called
from tenants.models import Tenant

EVERY = "all"


class Command(VerbCommand):
    help = "Export a table of nights: whole, or what came since the last time."
    verbs = {kind: table.row for kind, table in TABLES.items()}

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", default=EVERY, metavar="SLUG", help=f"default: {EVERY}")
        parser.add_argument("--format", default="csv", choices=FORMATS)
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="a file that appears whole or not at all, with FILE.manifest.json beside it; "
            "without it everything goes to standard output",
        )
        parser.add_argument(
            "--since-last",
            action="store_true",
            help="only what no earlier export with this option brought; needs --output",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["output"]:
            super().handle(*args, **options)
            return
        with quiet(options["verbosity"] <= 1):
            self._answered(options)  # the rows are the output; there is no report

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        export = Export(options["verb"], _tenants(options["tenant"]), options["format"])
        path: Path | None = options["output"]
        if path is not None:
            return exports.write(export=export, path=path, since_last=options["since_last"])
        if options["since_last"]:
            raise errors.Invalid("--since-last needs --output: a broken pipe would lose rows.")
        self._print(export)
        return []

    def _print(self, export: Export) -> None:
        try:
            for text in exports.stream(export=export):
                self.stdout.write(text, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at its end, and would complain once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("standard output was closed: the export is cut off") from None


def _tenants(slug: str) -> list[Tenant]:
    return list(Tenant.objects.all()) if slug == EVERY else [tenant_called(slug)]
