"""Retraining: opened by drift that lasts, by a regression or by a person; ends in a candidate.

The row waits for its snapshot, then for its run: each step is found from rows, and done once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from mlops.models import Dataset, DriftRun, Job, Retraining, TrainingRun
from mlops.services import datasets, experiments, jobs
from mlops.services.criteria import Criteria
from mlops.services.experiments import Wanted
from noctis import errors
from tenants.models import AuditEntry, Tenant
from tenants.services import audit
from tenants.services.audit import Actor

AFTER_SUCCESS, AFTER_FAILURE = timedelta(hours=24), timedelta(hours=1)
ONE_AT_A_TIME = "retraining_one_at_a_time"
Status = Job.Status
Cause = Retraining.Cause


class RetrainingUnderWay(errors.Conflict):
    row = errors.registered(
        "retraining_under_way",
        409,
        "A retraining is under way",
        "There is one at a time for each family and scope.",
        "`GET /v1/retrainings` shows how far it is.",
    )


class RetrainingPaused(errors.Conflict):
    row = errors.registered(
        "retraining_paused",
        409,
        "It was retrained a short while ago",
        "After a retraining that succeeded there is none for a day, after one that failed for an "
        "hour.",
        "The detail says from when on; a run in an experiment has no such pause.",
    )


@dataclass(frozen=True)
class Why:
    """What opened it."""

    cause: str = Cause.PERSON.value
    reason: str = ""
    drift_run: DriftRun | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be made: of which nights, and how."""

    family: str = "night"
    criteria: Criteria = field(default_factory=Criteria)
    recipe: str = "linear"
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    version: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        return {
            "criteria": self.criteria.as_json,
            "recipe": self.recipe,
            "hyperparameters": self.hyperparameters,
            "version": self.version,
        }


def open_retraining(*, tenant: Tenant, plan: Plan, why: Why, actor: Actor) -> Retraining:
    """Queue one, unless one of the family and scope is at work or ended a short while ago."""
    Wanted(Dataset(), plan.recipe, plan.family, 1, plan.hyperparameters, plan.version).check()
    row = Retraining(
        tenant=tenant,
        scope=plan.criteria.scope,
        family=plan.family,
        cause=why.cause,
        reason=why.reason,
        drift_run=why.drift_run,
        wanted=plan.as_json,
        **jobs.asked_by(actor=actor),
    )
    try:
        with transaction.atomic():
            _check_pause(row)
            row.save(force_insert=True)
            told = {"family": row.family, "scope": row.scope, "cause": row.cause}
            audit.record(
                actor=actor,
                tenant=tenant,
                action="retraining.open",
                subject=row,
                change=(None, told),
                reason=why.reason,
            )
    except IntegrityError as error:
        if ONE_AT_A_TIME not in str(error):
            raise
        raise RetrainingUnderWay from None
    return row


def pause_until(*, tenant: Tenant, family: str, scope: str) -> datetime | None:
    """Say from when on the next one may be opened, by the rows; None: now."""
    ended = Retraining.objects.owned_by(tenant).about(family, scope).exclude(finished_at=None)
    last = ended.order_by("-finished_at").first()
    if last is None:
        return None
    until = last.finished_at + (AFTER_SUCCESS if last.status == Status.DONE else AFTER_FAILURE)
    return until if until > timezone.now() else None


def _check_pause(row: Retraining) -> None:
    until = pause_until(tenant=row.tenant, family=row.family, scope=row.scope)
    if until is not None:
        raise RetrainingPaused(f"Not before {until:%Y-%m-%d %H:%M:%S} UTC.")


def advance(*, retraining_id: int) -> Retraining | None:
    """Take the next step that is due: ask for the snapshot, for the run, or end with them."""
    with transaction.atomic():
        alive = Retraining.objects.alive().select_for_update(of=("self",), skip_locked=True)
        row: Retraining | None = alive.select_related("tenant").filter(pk=retraining_id).first()
        if row is None:
            return None
        try:
            _step(row, Actor(row.requested_by, AuditEntry.Channel.TASK))
        except experiments.TooManyRuns:
            return row  # the sweep comes by again
        except errors.Refusal as refused:
            jobs.fail_job(job=row, error=f"{refused.row.code}: {refused.detail}")
    return row


def _step(row: Retraining, actor: Actor) -> None:
    if row.dataset is None:
        criteria = Criteria.of(row.wanted["criteria"])
        dataset = datasets.ask_for_dataset(tenant=row.tenant, criteria=criteria, actor=actor)
        _note(row, 0.1, "a snapshot is built", dataset=dataset)
    elif row.run is None:
        if _is_done(row, row.dataset):
            _note(row, 0.4, "a candidate is fitted", run=_start(row, actor))
    elif _is_done(row, row.run):
        jobs.end_job(job=row)


def _start(row: Retraining, actor: Actor) -> TrainingRun:
    experiment = experiments.find_or_open(
        tenant=row.tenant, name=f"retraining, {row.family}", actor=actor
    )
    name = f"retrained-{row.family}-{row.created_at:%Y%m%d}-{row.uuid.hex[:6]}"
    wanted = Wanted(
        dataset=row.dataset,
        recipe=row.wanted["recipe"],
        family=row.family,
        hyperparameters=row.wanted["hyperparameters"],
        version=row.wanted["version"] or name,
    )
    return experiments.start_run(
        experiment=experiment, wanted=wanted, actor=actor, reason=row.reason
    )


def _is_done(row: Retraining, job: Dataset | TrainingRun) -> bool:
    """Whether a step is over; one that failed takes the whole with it."""
    if job.status == Status.FAILED:
        jobs.fail_job(job=row, error=f"{job}: {job.error}")
    return bool(job.status == Status.DONE)


def _note(row: Retraining, progress: float, says: str, **facts: Dataset | TrainingRun) -> None:
    now = timezone.now()
    row.status, row.progress, row.started_at = Status.RUNNING, progress, row.started_at or now
    row.log = f"{row.log}{now:%H:%M:%S} {says}\n"
    for name, value in facts.items():
        setattr(row, name, value)
    row.save(update_fields=["status", "progress", "started_at", "log", *facts])
