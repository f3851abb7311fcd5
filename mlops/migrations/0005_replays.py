"""Nights staged anew: replays, and a row for each of their nights."""

import django.db.models.deletion
import django.utils.timezone
import noctis.db.constraints
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0009_waivers'),
        ('mlops', '0004_evaluation'),
        ('recordings', '0009_append_in_order'),
        ('tenants', '0005_key_days'),
    ]

    operations = [
        migrations.CreateModel(
            name='Replay',
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
                ('criteria', models.JSONField(default=dict)),
                ('is_stored', models.BooleanField(default=False)),
                ('nights', models.IntegerField()),
                ('report', models.JSONField(default=dict)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inference.modelversion')),
                ('second', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inference.modelversion')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ReplayNight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('due', 'Due'), ('done', 'Done'), ('left_out', 'Left Out'), ('failed', 'Failed')], default='due', max_length=8)),
                ('held_until', models.DateTimeField(null=True)),
                ('tries', models.SmallIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('counts', models.JSONField(default=dict)),
                ('recording', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='recordings.recording')),
                ('replay', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='mlops.replay')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddIndex(
            model_name='replay',
            index=models.Index(fields=['tenant', '-created_at', '-id'], name='replay_by_tenant'),
        ),
        migrations.AddIndex(
            model_name='replay',
            index=models.Index(condition=models.Q(('status__in', ['queued', 'running'])), fields=['created_at'], name='replay_alive'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.UniqueConstraint(fields=('tenant', 'id'), name='replay_tenant_id'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('second', models.F('first')), _negated=True), name='replay_versions_differ'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('cancelled_at__isnull', True), ('status', 'failed'), _connector='OR'), name='replay_cancelled_has_ended'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'running', 'done', 'failed'])), name='replay_status_known'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('scope__in', ['tenant', 'platform'])), name='replay_scope_known'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['done', 'failed']), _negated=True), ('finished_at__isnull', False), _connector='OR'), name='replay_ended_has_time'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='replay_failure_is_told'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('progress__gte', 0), ('progress__lte', 1)), name='replay_progress_is_a_share'),
        ),
        migrations.AddIndex(
            model_name='replaynight',
            index=models.Index(condition=models.Q(('status', 'due')), fields=['replay', 'id'], name='replay_due'),
        ),
        migrations.AddIndex(
            model_name='replaynight',
            index=models.Index(condition=models.Q(('status', 'due')), fields=['held_until'], name='replay_held'),
        ),
        migrations.AddIndex(
            model_name='replaynight',
            index=models.Index(fields=['replay', 'status'], name='replay_by_status'),
        ),
        migrations.AddIndex(
            model_name='replaynight',
            index=models.Index(fields=['tenant', 'recording'], name='replay_by_night'),
        ),
        migrations.AddConstraint(
            model_name='replaynight',
            constraint=models.UniqueConstraint(fields=('replay', 'recording'), name='replay_night_once'),
        ),
        migrations.AddConstraint(
            model_name='replaynight',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['due', 'done', 'left_out', 'failed'])), name='replay_night_status_known'),
        ),
        migrations.AddConstraint(
            model_name='replaynight',
            constraint=noctis.db.constraints.CompositeForeignKey(fields=('tenant', 'replay'), name='replay_night_of_tenant', to='mlops.Replay', to_fields=('tenant', 'id')),
        ),
        migrations.AddConstraint(
            model_name='replaynight',
            constraint=noctis.db.constraints.CompositeForeignKey(fields=('tenant', 'recording'), name='replay_night_recording_of_tenant', to='recordings.Recording', to_fields=('tenant', 'id')),
        ),
    ]
