# ruff: noqa: N999 - the command is called so
"""`manage.py import`: nights of one device from a CSV file; docs/import-csv.md has the columns."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from noctis import errors
from noctis.commands import Row, VerbCommand
from recordings.models import LabelSet
from recordings.models.recording import PSEUDONYM
from recordings.services import imports, nights, schemas
from recordings.services.imports import Destination
from recordings.services.nights import Instrument
from recordings.sheets import Sheet
from tenants.lookups import shell_actor, tenant_called
from tenants.models.tenant import known_time_zone


class Command(VerbCommand):
    help = "Import nights of one device from a CSV file."
    verbs = {"epochs": "check the whole file, then add its epochs, or nothing; repeat at will"}

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--csv", type=Path, required=True, metavar="FILE")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--device", required=True, metavar="EXTERNAL_ID")
        parser.add_argument(
            "--timezone", type=_zone, metavar="ZONE", help="of new recordings; else the tenant's"
        )
        parser.add_argument(
            "--labels",
            type=_rater,
            default=("", ""),
            metavar="SOURCE:SCORER",
            help="whose the column `stage` is, such as psg:rater-7",
        )
        parser.add_argument("--dry-run", action="store_true", help="do it all and undo it")

    def epochs(self, options: Mapping[str, Any]) -> Row:
        tenant = tenant_called(options["tenant"])
        instrument = Instrument(options["device"])
        device = nights.known_device(tenant=tenant, instrument=instrument, actor=shell_actor())
        spoken = schemas.active()
        sheet = _read(options["csv"], Sheet(spoken.features))
        source, scorer = options["labels"]
        if sheet.has_stages != bool(scorer):
            raise errors.Invalid("--labels and a column `stage` come together, or neither does.")
        done = imports.import_nights(
            to=Destination(device, options["timezone"], source, scorer),
            sheet=list(sheet.nights.values()),
            schema=spoken,
            tell=self._tell,
            is_rehearsal=options["dry_run"],
        )
        return {"dry_run": options["dry_run"], **asdict(done)}

    def _tell(self, text: str) -> None:
        self.stderr.write(text, style_func=str)


def _read(path: Path, sheet: Sheet) -> Sheet:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            sheet.read(lines)
    except OSError as error:
        raise errors.Invalid(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise errors.Invalid(f"{path} is not UTF-8.") from None
    if sheet.problems:
        raise errors.Invalid(problems=sheet.problems[: errors.MAX_PROBLEMS])
    return sheet


def _zone(name: str) -> str:
    try:
        known_time_zone(name)
    except ValidationError as error:
        raise ArgumentTypeError(error.messages[0]) from None
    return name


def _rater(text: str) -> tuple[str, str]:
    source, _, scorer = text.partition(":")
    if source not in LabelSet.Source.values or not re.fullmatch(PSEUDONYM, scorer):
        known = " or ".join(LabelSet.Source.values)
        raise ArgumentTypeError(f"expected {known}, a colon and a pseudonym")
    return source, scorer
