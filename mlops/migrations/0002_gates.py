"""How versions did on labelled nights: what gates are read from."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0009_waivers'),
        ('mlops', '0001_initial'),
        ('tenants', '0005_key_days'),
    ]

    operations = [
        migrations.CreateModel(
            name='GateRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('scope', models.CharField(choices=[('tenant', 'Tenant'), ('platform', 'Platform')], default='tenant', max_length=8)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('progress', models.FloatField(default=0)),
                ('log', models.TextField(blank=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('tries', models.SmallIntegerField(default=0)),
                ('held_until', models.DateTimeField(null=True)),
                ('requested_by', models.CharField(max_length=200)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('family', models.CharField(choices=[('live', 'Live'), ('night', 'Night')], max_length=5)),
                ('report', models.JSONField(default=dict)),
                ('incumbent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inference.modelversion')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inference.modelversion')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['tenant', '-created_at', '-id'], name='gate_run_by_tenant'), models.Index(condition=models.Q(('status__in', ['queued', 'running'])), fields=['created_at'], name='gate_run_alive'), models.Index(fields=['model', 'family', '-id'], name='gate_run_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'running'])), fields=('model', 'family'), name='gate_run_one_at_a_time'), models.CheckConstraint(condition=models.Q(('family__in', ['live', 'night'])), name='gate_run_family_known'), models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'running', 'done', 'failed'])), name='gate_run_status_known'), models.CheckConstraint(condition=models.Q(('scope__in', ['tenant', 'platform'])), name='gate_run_scope_known'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['done', 'failed']), _negated=True), ('finished_at__isnull', False), _connector='OR'), name='gate_run_ended_has_time'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='gate_run_failure_is_told'), models.CheckConstraint(condition=models.Q(('progress__gte', 0), ('progress__lte', 1)), name='gate_run_progress_is_a_share')],
            },
        ),
    ]
