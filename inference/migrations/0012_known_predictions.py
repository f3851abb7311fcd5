"""A night that was staged before is read by one function; logging a single stage takes less."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"
KNOWN = (SQL / "known_predictions.sql").read_text(encoding="utf-8")
LOG = (SQL / "log_predictions.sql").read_text(encoding="utf-8")
DROP = "DROP FUNCTION noctis_known_predictions"


class Migration(migrations.Migration):
    dependencies = [("inference", "0011_tenant_pins")]

    operations = [
        migrations.RunSQL(KNOWN, DROP),
        migrations.RunSQL(LOG, migrations.RunSQL.noop),
    ]
