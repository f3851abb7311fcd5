"""`manage.py restore`: bring a backup back as a new database, beside the live one."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noctis.commands import NoctisCommand, Row
from operations.management.commands.restore_test import row_of
from operations.services.backup import restore
from operations.services.backup.server import ended_in_order
from tenants.lookups import shell_actor


class Command(NoctisCommand):
    help = "Restore a backup into a new or empty database of the server; never into the live one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--into", required=True, help="the database; it is made")

    def run(self, options: Mapping[str, Any]) -> Row:
        with ended_in_order():
            return row_of(
                restore.restore_backup(
                    path=options["file"], into=options["into"], actor=shell_actor()
                )
            )
