"""A training run is worked off: fitted in a process of its own, imported, told. Safe to repeat."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.artifacts import LocalStore
from inference.models import ModelVersion, Serving
from inference.services import model_imports
from inference.services.model_events import Decision
from mlops.models import TrainingRun
from mlops.services import dataset_files, jobs, training_process
from mlops.training.recipes import RECIPES
from noctis.db.locks import hold_until_commit
from tenants.models import AuditEntry
from tenants.services.audit import Actor

# Each takes a processor and up to its limit of memory for minutes; staging needs the rest.
AT_ONCE = 1


def work_run(*, run_id: int) -> TrainingRun | None:
    """Make the candidate of a run that is due; None where it is not, or others are at work.

    Cut off anywhere it is due again, and goes on with what is there: the fit, the registered
    version. The same snapshot, recipe and seed give the same artifact."""
    run = _claim(run_id)
    if run is None:
        return None
    with jobs.failing(run):
        _work(run)
    shutil.rmtree(_folder(run), ignore_errors=True)
    return run


def _claim(run_id: int) -> TrainingRun | None:
    with transaction.atomic():
        hold_until_commit("training", 0)
        if TrainingRun.objects.held(timezone.now()).count() >= AT_ONCE:
            return None
        return jobs.claim_job(kind=TrainingRun, pk=run_id)


def _work(run: TrainingRun) -> None:
    # Every byte of it is checked before a minute is spent on it.
    dataset_files.read_snapshot(dataset=run.dataset)
    judged = training_process.run_training(
        folder=_folder(run), order=_order(run), tell=partial(_tell, run)
    )
    store = LocalStore(_folder(run) / training_process.ARTIFACT)
    files = store.read(run.version_name)
    by = Actor(run.requested_by, AuditEntry.Channel.TASK)
    reason = f"trained by run {run.uuid}"
    with transaction.atomic():
        version = model_imports.import_version(files=files, decision=Decision(by, reason))
        jobs.end_job(
            job=run, version=version, metrics=judged, code_revision=RECIPES[run.recipe].revision
        )


def _tell(run: TrainingRun, progress: float, says: str) -> None:
    jobs.note_progress(job=run, progress=0.95 * progress, says=says)


def _order(run: TrainingRun) -> dict[str, Any]:
    return {
        "snapshot": str(dataset_files.path_of(dataset=run.dataset)),
        "version": run.version_name,
        "recipe": run.recipe,
        "family": run.family,
        "seed": run.seed,
        "hyperparameters": run.hyperparameters,
        "others": _others(run.family),
        "memory_bytes": settings.TRAINING_MEMORY_LIMIT_MB * 2**20,
    }


def _others(family: str) -> dict[str, str]:
    """What serves the family now, by name: what the candidate would replace."""
    serves = Serving.objects.filter(family=family).values("version")
    found = ModelVersion.objects.filter(pk__in=serves).values_list("version", flat=True)
    return {name: str(Path(settings.MODELS_DIR) / name) for name in found}


def _folder(run: TrainingRun) -> Path:
    return settings.DATASETS_DIR / "runs" / str(run.uuid)
