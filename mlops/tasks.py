"""What runs by itself for models' quality: drift is looked for, and jobs that are due are done.

A job's row is the queue: a lost message loses nothing, and one too many finds nothing to do."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from mlops.models import Dataset, GateRun, Retraining, TrainingRun
from mlops.services import datasets, drift, gates, replaying, retraining, retraining_causes, runs
from tenants.models import AuditEntry
from tenants.services.audit import Actor

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}
KEEPER = Actor("schedule", AuditEntry.Channel.TASK)
# A claim lapses when its worker dies, so a message is taken before the work is done.
JOB = {"acks_late": False, "soft_time_limit": 1_800, "time_limit": 1_860}
# The fit ends itself before; this is for what hangs around it.
LONGEST_S = settings.TRAINING_TIME_LIMIT_SECONDS + 300
FIT = {"acks_late": False, "soft_time_limit": LONGEST_S, "time_limit": LONGEST_S + 60}
MOST_AT_ONCE = 20
# What kills its worker is not handed to the next one at once: the claim has to lapse first.
NIGHTS = {
    "acks_late": False,
    "reject_on_worker_lost": False,
    "soft_time_limit": 290,
    "time_limit": 300,
}


@shared_task(**RETRIED)
def look_for_drift() -> int:
    """A task for each: one that fails keeps nobody else's from being looked at."""
    found = drift.due()
    for tenant_id, model_id in found:
        look_for_one.delay(tenant_id, model_id)
    return len(found)


@shared_task(**RETRIED)
def look_for_one(tenant_id: int, model_id: int) -> str:
    return str(drift.run_due(tenant_id=tenant_id, model_id=model_id).severity)


@shared_task(**JOB)
def judge_version(pk: int) -> None:
    gates.run_gates(pk=pk)


@shared_task(**RETRIED)
def open_retrainings() -> int:
    return len(retraining_causes.open_due(actor=KEEPER))


@shared_task(**RETRIED)
def sweep_jobs() -> None:
    """Steps first, for they ask for the work."""
    for pk in Retraining.objects.alive().order_by("pk").values_list("pk", flat=True):
        retraining.advance(retraining_id=pk)
    now = timezone.now()
    kinds: list[tuple[Any, Any]] = [
        (Dataset, build_dataset),
        (TrainingRun, work_run),
        (GateRun, judge_version),
    ]
    for kind, task in kinds:
        due = kind.objects.due(now).order_by("created_at")[:MOST_AT_ONCE]
        for pk in due.values_list("pk", flat=True):
            task.delay(pk)


@shared_task(**JOB)
def build_dataset(dataset_id: int) -> None:
    if datasets.build_dataset(dataset_id=dataset_id) is not None:
        sweep_jobs.delay()


@shared_task(**FIT)
def work_run(run_id: int) -> None:
    if runs.work_run(run_id=run_id) is not None:
        sweep_jobs.delay()


@shared_task(**RETRIED)
def replay_due() -> int:
    """Nights that nobody is at are handed out, and what has none left is summed up."""
    claimed = replaying.claim_nights()
    for replay_id, nights in claimed:
        replay_nights.delay(replay_id, nights)
    replaying.sum_up()
    return sum(len(nights) for _, nights in claimed)


@shared_task(**NIGHTS)
def replay_nights(replay_id: int, nights: list[int]) -> None:
    replaying.work_off(replay_id=replay_id, nights=nights)
    replay_due()
