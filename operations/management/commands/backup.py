"""`manage.py backup`: write the database down, with what proves that it can be brought back."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noctis.commands import NoctisCommand, Row
from operations.models import Backup
from operations.services.backup import dump, rotation
from operations.services.backup.server import ended_in_order
from tenants.lookups import shell_actor


class Command(NoctisCommand):
    help = "Back the database up; without --output into BACKUP_DIR, where old ones are rotated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--output", type=Path, help="the file; its manifest goes beside it")

    def run(self, options: Mapping[str, Any]) -> Row:
        actor, path = shell_actor(), options["output"]
        with ended_in_order():
            if path is None:
                return _row(rotation.take_scheduled(actor=actor))
            return _row(dump.take_backup(path=path, actor=actor))


def _row(row: Backup) -> Row:
    return {
        "file": row.path,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "key_id": row.key_id or None,
        "edition": row.edition,
        "tables": row.table_count,
        "rows": row.row_count,
        "seconds": round((row.finished_at - row.started_at).total_seconds(), 1),
    }
