"""The log finds a night by its own key, however many its tenant has."""

from pathlib import Path

from django.db import migrations

LOG = (Path(__file__).parents[1] / "sql" / "log_predictions.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("inference", "0012_known_predictions")]

    operations = [migrations.RunSQL(LOG, migrations.RunSQL.noop)]
