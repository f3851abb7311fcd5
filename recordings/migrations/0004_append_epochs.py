"""The function that ingest calls; a later version of it is a later migration of the same file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql" / "append_epochs.sql"
DROP = "DROP FUNCTION noctis_append_epochs"


class Migration(migrations.Migration):
    dependencies = [("recordings", "0003_erasing"), ("devices", "0002_key_of_device")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), DROP)]
