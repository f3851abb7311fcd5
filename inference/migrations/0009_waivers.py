"""Events say which gates were unmet, and why they were let pass."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0008_implausible'),
    ]

    operations = [
        migrations.AddField(
            model_name='modelevent',
            name='waived',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='modelevent',
            name='waiver',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddConstraint(
            model_name='modelevent',
            constraint=models.CheckConstraint(condition=models.Q(('waived', []), models.Q(('waiver', ''), _negated=True), _connector='OR'), name='event_waiver_has_a_reason'),
        ),
    ]
