"""`manage.py restore_test`: restore a backup into a database that is dropped, and compare."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noctis.commands import NoctisCommand, Row
from operations.models import Restoration
from operations.services.backup import restore, rotation
from operations.services.backup.server import ended_in_order
from tenants.lookups import shell_actor


def row_of(row: Restoration) -> Row:
    """What became of it, for whoever typed the command."""
    return {
        "file": row.path,
        "outcome": str(row.outcome),
        "database": row.database,
        "tables": row.table_count,
        "rows": row.row_count,
        "seconds": round((row.finished_at - row.started_at).total_seconds(), 1),
    }


class Command(NoctisCommand):
    help = "Restore a backup into a temporary database and compare it with its manifest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, nargs="?", help="the newest of BACKUP_DIR if none")

    def run(self, options: Mapping[str, Any]) -> Row:
        actor, path = shell_actor(), options["file"]
        with ended_in_order():
            if path is None:
                return row_of(rotation.prove_newest(actor=actor))
            return row_of(restore.prove_backup(path=path, actor=actor))
