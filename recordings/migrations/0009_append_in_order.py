"""The function that ingest calls, with a way of its own for batches that come in order."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql" / "append_epochs.sql"


class Migration(migrations.Migration):
    dependencies = [("recordings", "0008_newest_nights")]

    # Undone, this version stays: it keeps what the one before kept.
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
