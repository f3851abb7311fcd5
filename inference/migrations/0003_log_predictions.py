"""The function that logs predictions; a later version of it is a later migration of the same file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql" / "log_predictions.sql"
DROP = "DROP FUNCTION noctis_log_predictions"


class Migration(migrations.Migration):
    dependencies = [("inference", "0002_append_only"), ("recordings", "0003_erasing")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), DROP)]
