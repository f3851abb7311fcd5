"""The function that logs predictions keeps its plans."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql" / "log_predictions.sql"


class Migration(migrations.Migration):
    dependencies = [("inference", "0009_waivers")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
