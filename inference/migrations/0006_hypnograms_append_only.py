"""Hypnograms know how many epochs they were made from, and only grow from now on."""

from django.db import migrations, models

from noctis.db.triggers import AppendOnly

# As many as have a stage, and no more than there are: a gap between known epochs has one as well.
COUNT = """
UPDATE inference_hypnogram AS hypnogram
SET epoch_count = least(
    (SELECT count(*) FROM unnest(hypnogram.stages) AS stage WHERE stage >= 0),
    coalesce(nullif(night.epoch_count, 0), cardinality(hypnogram.stages)))
FROM recordings_recording AS night WHERE night.id = hypnogram.recording_id
"""


class Migration(migrations.Migration):
    dependencies = [("inference", "0005_staged_at")]

    operations = [
        migrations.AddField(
            model_name="hypnogram", name="epoch_count", field=models.IntegerField(default=0)
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        AppendOnly("inference_hypnogram"),
    ]
