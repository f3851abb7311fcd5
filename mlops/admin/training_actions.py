"""What operators have done for training: snapshots built, runs fitted, families retrained."""

from functools import partial
from typing import Any

from django.db import transaction

from mlops import tasks
from mlops.admin import training_forms as forms
from mlops.models import Dataset, DriftRun, Job, Retraining, TrainingRun
from mlops.services import datasets, experiments, retraining, retraining_causes
from mlops.services.criteria import Criteria
from mlops.services.retraining import Why
from tenants.console import NamedAction, Order
from tenants.models import Operator, Tenant
from tenants.roles import Capability

Scope = Job.Scope


def _build(row: Tenant, order: Order) -> Dataset:
    return _asked(row, forms.criteria_of(order), order)


def _build_again(row: Dataset, order: Order) -> Dataset:
    return _asked(row.tenant, Criteria.of(row.criteria), order)


def _asked(tenant: Tenant, criteria: Criteria, order: Order) -> Dataset:
    dataset = datasets.ask_for_dataset(
        tenant=tenant, criteria=criteria, actor=order.actor, reason=order.reason
    )
    transaction.on_commit(partial(tasks.build_dataset.delay, dataset.pk), robust=True)
    return dataset


def _train(row: Dataset, order: Order) -> TrainingRun:
    experiment = experiments.find_or_open(
        tenant=row.tenant, name=order.answers["experiment"], actor=order.actor
    )
    run = experiments.start_run(
        experiment=experiment,
        wanted=forms.wanted_of(row, order),
        actor=order.actor,
        reason=order.reason,
    )
    transaction.on_commit(partial(tasks.work_run.delay, run.pk), robust=True)
    return run


def _retrain(row: Tenant, order: Order) -> Retraining:
    family = order.answers["family"]
    alarm = retraining_causes.alarm_of(tenant=row, family=family)
    return _opened(row, order, alarm)


def _retrain_for(row: DriftRun, order: Order) -> Retraining:
    return _opened(row.tenant, order, row)


def _opened(tenant: Tenant, order: Order, drift_run: DriftRun | None) -> Retraining:
    opened = retraining.open_retraining(
        tenant=tenant,
        plan=forms.plan_of(order),
        why=Why(reason=order.reason, drift_run=drift_run),
        actor=order.actor,
    )
    transaction.on_commit(partial(tasks.sweep_jobs.delay), robust=True)
    return opened


def _unusable(row: Dataset) -> str:
    if row.withdrawn_at is not None:
        return "A night of it was erased."
    return "" if row.status == Job.Status.DONE else f"It is {row.status}."


def _beyond(by: Operator, row: Any) -> str:
    """What concerns every tenant's nights is for the platform's model managers."""
    is_wide = row.scope == Scope.PLATFORM
    if is_wide and not by.may(Capability.MODELS_PROMOTE):
        return "It is of everybody's nights."
    return ""


BUILD = NamedAction(
    name="build-snapshot",
    label="Build a snapshot",
    done="has a snapshot asked for",
    explains="A worker reads the tenant's labelled nights, splits them by person, and writes one "
    "file. The list of data sets shows how far it is.",
    needs=Capability.EXPERIMENTS_WRITE,
    run=_build,
    form=forms.SnapshotForm,
)
BUILD_AGAIN = NamedAction(
    name="build-again",
    label="Build again",
    done="is built again",
    explains="By the same criteria, from the nights and labels that there are now: another "
    "snapshot, and this one stays.",
    needs=Capability.EXPERIMENTS_WRITE,
    run=_build_again,
    forbids=_beyond,
)
TRAIN = NamedAction(
    name="train",
    label="Train on it",
    done="is trained on",
    explains="A worker fits the recipe to the nights to fit and judges it by those held out, "
    "beside what serves. What comes of it is a candidate: nothing serves by it.",
    needs=Capability.EXPERIMENTS_WRITE,
    run=_train,
    refusal=_unusable,
    forbids=_beyond,
    form=forms.RunForm,
)
RETRAIN = NamedAction(
    name="retrain",
    label="Retrain",
    done="has a retraining asked for",
    explains="A snapshot of all the tenant's labelled nights is built and a candidate fitted to "
    "it, judged beside what serves. There is one at a time, and a pause after it.",
    needs=Capability.EXPERIMENTS_WRITE,
    run=_retrain,
    form=forms.RetrainForm,
)
RETRAIN_FOR = NamedAction(
    name="retrain",
    label="Retrain because of it",
    done="has a retraining asked for",
    explains=RETRAIN.explains,
    needs=Capability.EXPERIMENTS_WRITE,
    run=_retrain_for,
    refusal=lambda row: (
        "It had too few nights to say anything."
        if row.severity == DriftRun.Severity.INSUFFICIENT
        else ""
    ),
    form=forms.RetrainForm,
)
