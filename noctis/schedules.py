"""What runs when: defined here; the console switches it on or off, and that outlives restarts."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab
from django.conf import settings

SCHEDULES: dict[str, dict[str, Any]] = {
    "retire keys past their end": {
        "task": "tenants.tasks.revoke_expired_keys",
        "schedule": timedelta(minutes=5),
    },
    "forget expired refresh tokens": {
        "task": "tenants.tasks.forget_expired_refresh_tokens",
        "schedule": timedelta(hours=6),
    },
    "verify the audit chains": {
        "task": "tenants.tasks.verify_audit_chains",
        "schedule": timedelta(hours=24),
    },
    "forget answers kept for repetition": {
        "task": "noctis.tasks.forget_expired_answers",
        "schedule": timedelta(minutes=15),
    },
    "forget expired sessions": {
        "task": "noctis.tasks.forget_expired_sessions",
        "schedule": timedelta(hours=24),
    },
    "count active tenants": {
        "task": "tenants.tasks.count_active_tenants",
        "schedule": timedelta(minutes=1),
    },
    "sample the traffic": {
        "task": "noctis.tasks.sample_traffic",
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 60},
    },
    "evaluate the objectives": {
        "task": "operations.tasks.objectives.evaluate_objectives",
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 60},
    },
    "audit the data": {
        "task": "operations.tasks.audits.audit_data",
        "schedule": timedelta(seconds=settings.AUDIT_POLL_INTERVAL_SECONDS),
        "options": {"expire_seconds": settings.AUDIT_POLL_INTERVAL_SECONDS},
    },
    "end stress runs that were left": {
        "task": "operations.tasks.stress.end_abandoned_runs",
        "schedule": timedelta(minutes=5),
        "options": {"expire_seconds": 300},
    },
    "remove tenants that measurements left": {
        "task": "operations.tasks.stress.remove_left_tenants",
        "schedule": timedelta(minutes=10),
        "options": {"expire_seconds": 600},
    },
    "close abandoned nights": {
        "task": "recordings.tasks.close_abandoned",
        "schedule": timedelta(minutes=1),
    },
    "erase what is due": {
        "task": "recordings.tasks.erase_due",
        "schedule": timedelta(minutes=1),
    },
    # A sweep that had to wait for a worker is repeated by the next one.
    "stage nights that are over": {
        "task": "inference.tasks.stage_due_nights",
        "schedule": timedelta(seconds=3),
        "options": {"expire_seconds": 3},
    },
    "stage open nights live": {
        "task": "inference.tasks.stage_due_live",
        "schedule": timedelta(seconds=10),
        "options": {"expire_seconds": 10},
    },
    "look for drift": {
        "task": "mlops.tasks.look_for_drift",
        "schedule": crontab(hour=10, minute=20),
    },
    "open retrainings that rows ask for": {
        "task": "mlops.tasks.open_retrainings",
        "schedule": crontab(hour=11, minute=0),
    },
    "do jobs of data sets and training": {
        "task": "mlops.tasks.sweep_jobs",
        "schedule": timedelta(seconds=10),
        "options": {"expire_seconds": 10},
    },
    "stage nights anew for replays": {
        "task": "mlops.tasks.replay_due",
        "schedule": timedelta(seconds=5),
        "options": {"expire_seconds": 5},
    },
    "sum up days": {
        "task": "operations.tasks.storage.refresh_summaries",
        "schedule": timedelta(minutes=5),
        "options": {"expire_seconds": 300},
    },
    # Nothing goes before `manage.py storage apply`.
    "let go of what is past its retention": {
        "task": "operations.tasks.storage.retain",
        "schedule": timedelta(hours=6),
    },
    "tell how old the backups are": {
        "task": "operations.tasks.backups.tell_age",
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 60},
    },
    # At an hour of the clock: a platform that was asleep then catches up when it wakes.
    "back up the database": {
        "task": "operations.tasks.backups.take_backup",
        "schedule": crontab(minute="17", hour="1"),
    },
    "restore the newest backup and compare it": {
        "task": "operations.tasks.backups.prove_backup",
        "schedule": crontab(minute="47", hour="3"),
    },
}
