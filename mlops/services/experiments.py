"""Experiments and the runs in them: asked for here, done by a worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from inference.lifecycle import is_version_name
from inference.models import ModelVersion
from mlops.models import Dataset, Experiment, TrainingRun
from mlops.services import jobs
from mlops.training.recipes import RECIPES
from noctis import errors
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

# Of one tenant at once: each takes a worker for minutes.
MOST_WAITING = 10
VERSION_TAKEN = "run_version_once"


class ExperimentNameTaken(errors.Conflict):
    row = errors.registered(
        "experiment_name_taken",
        409,
        "The experiment's name is taken",
        "Another experiment of the tenant is called so.",
        "Add a run to that one, or choose another name.",
    )


class VersionTaken(errors.Conflict):
    row = errors.registered(
        "version_taken",
        409,
        "The version's name is taken",
        "The registry has a version of this name, or a run makes one.",
        "Choose another name, or none: then one is made.",
    )


class DatasetNotReady(errors.Conflict):
    row = errors.registered(
        "dataset_not_ready",
        409,
        "The snapshot cannot be trained on",
        "It is not built yet, its build failed, or a night of it was erased.",
        "`GET /v1/datasets/{id}` says which; build another one.",
    )


class TooManyRuns(errors.Conflict):
    row = errors.registered(
        "too_many_runs",
        409,
        "Too many runs wait",
        f"At most {MOST_WAITING} runs of a tenant wait or are at work at once.",
        "Repeat when some have ended.",
    )


@dataclass(frozen=True)
class Wanted:
    """A run as it is asked for."""

    dataset: Dataset
    recipe: str = "linear"
    family: str = "night"
    seed: int = 1
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    def check(self) -> None:
        """Refuse what no recipe takes, every fault of it by name."""
        recipe = RECIPES.get(self.recipe)
        if recipe is None:
            told = f"one of {', '.join(RECIPES)}"
            raise errors.Invalid(problems=[errors.Problem("/recipe", "invalid_choice", told)])
        faults = {
            name: recipe.parameters[name].fault_of(value)
            if name in recipe.parameters
            else f"{self.recipe} takes {', '.join(recipe.parameters) or 'nothing'}"
            for name, value in self.hyperparameters.items()
        }
        problems = [
            errors.Problem(f"/hyperparameters/{name}", "invalid", fault)
            for name, fault in faults.items()
            if fault
        ]
        if self.version and not is_version_name(self.version):
            told = "a-z, 0-9, ., _ and -, and no reserved word"
            problems.append(errors.Problem("/version", "invalid", told))
        if problems:
            raise errors.Invalid(problems=problems)


def open_experiment(
    *, tenant: Tenant, name: str, description: str = "", actor: Actor
) -> Experiment:
    """Start a question; runs come into it one by one."""
    try:
        with transaction.atomic():
            experiment = Experiment.objects.create(
                tenant=tenant, name=name, description=description, created_by=actor.name
            )
            audit.record(
                actor=actor,
                tenant=tenant,
                action="experiment.create",
                subject=experiment,
                change=(None, {"name": name}),
            )
    except IntegrityError:
        raise ExperimentNameTaken from None
    return experiment


def find_or_open(*, tenant: Tenant, name: str, actor: Actor) -> Experiment:
    """The tenant's experiment of a name, opened where there is none."""
    owned = Experiment.objects.owned_by(tenant)
    known: Experiment | None = owned.filter(name=name).first()
    try:
        return known or open_experiment(tenant=tenant, name=name, actor=actor)
    except ExperimentNameTaken:  # by somebody who was at it at the same moment
        found: Experiment = owned.get(name=name)
        return found


def start_run(
    *, experiment: Experiment, wanted: Wanted, actor: Actor, reason: str = ""
) -> TrainingRun:
    """Queue a run; a worker fits it, and what comes of it is a candidate."""
    wanted.check()
    run = TrainingRun(
        tenant=experiment.tenant,
        experiment=experiment,
        dataset=wanted.dataset,
        scope=wanted.dataset.scope,
        recipe=wanted.recipe,
        family=wanted.family,
        seed=wanted.seed,
        hyperparameters=dict(wanted.hyperparameters),
        **jobs.asked_by(actor=actor),
    )
    run.version_name = wanted.version or f"{wanted.recipe}-{run.uuid.hex[:10]}"
    with transaction.atomic():
        _check_room(run)
        _keep(run)
        audit.record(
            actor=actor,
            tenant=run.tenant,
            action="run.start",
            subject=run,
            change=(None, {"version": run.version_name, "recipe": run.recipe}),
            reason=reason,
        )
    return run


def _check_room(run: TrainingRun) -> None:
    # Locked, so that no erasure takes its file away between this look and the row.
    usable = Dataset.objects.owned_by(run.tenant_id).usable().select_for_update()
    if not usable.filter(pk=run.dataset_id).exists():
        raise DatasetNotReady
    alive = TrainingRun.objects.owned_by(run.tenant_id).alive()
    if alive.count() >= MOST_WAITING:
        raise TooManyRuns
    if ModelVersion.objects.named(run.version_name).exists():
        raise VersionTaken(f"The registry has a version {run.version_name}.")


def _keep(run: TrainingRun) -> None:
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        if VERSION_TAKEN not in str(error):
            raise
        raise VersionTaken(f"A run makes {run.version_name} already.") from None
