"""How much room is left where the platform writes; the database server's disk is not seen here."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

from noctis import metrics


def tell() -> None:
    """Set the metrics: the database's size, and how much of each folder's volume is free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        metrics.DATABASE_SIZE.set(cursor.fetchone()[0])
    for name, folder in (("backups", settings.BACKUP_DIR), ("models", settings.MODELS_DIR)):
        used = shutil.disk_usage(_nearest(folder))
        metrics.VOLUME_FREE.labels(volume=name).set(used.free / used.total)


def _nearest(folder: Path) -> Path:
    """The folder, or the first above it that is there already: it will lie on that volume."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
