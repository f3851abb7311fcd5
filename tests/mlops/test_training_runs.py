"""Training runs: a candidate from a snapshot, in a process of its own; limits and crashes."""

import json
import os
import signal
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from inference.models import ModelEvent, ModelVersion, Serving
from mlops.models import Dataset, Experiment, TrainingRun
from mlops.services import datasets, experiments, jobs, runs, training_process
from mlops.services.criteria import Criteria
from mlops.services.experiments import Wanted
from noctis.embedded.processes import group_members
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as, codes
from tests.factories import ACTOR, DatasetFactory, TenantFactory
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]
pytestmark = pytest.mark.django_db
# Few rows and few steps: what is fitted is no matter here.
QUICK = {"every": 30, "iterations": 3}


@pytest.fixture
def dataset(lab: Tenant) -> Dataset:
    row = datasets.ask_for_dataset(tenant=lab, criteria=Criteria(), actor=ACTOR)
    found = datasets.build_dataset(dataset_id=row.pk)
    assert found is not None
    return found


@pytest.fixture
def experiment(lab: Tenant) -> Experiment:
    return experiments.open_experiment(tenant=lab, name="first", actor=ACTOR)


def started(experiment: Experiment, dataset: Dataset, **how: object) -> TrainingRun:
    wanted = Wanted(dataset, **{"recipe": "clock"} | how)
    return experiments.start_run(experiment=experiment, wanted=wanted, actor=ACTOR)


def worked(run: TrainingRun) -> TrainingRun:
    runs.work_run(run_id=run.pk)
    run.refresh_from_db()
    return run


def test_a_run_ends_as_a_candidate_beside_what_serves_and_changes_nothing_that_serves(
    experiment: Experiment, dataset: Dataset
) -> None:
    before = list(Serving.objects.values_list("family", "version_id", "since"))

    run = worked(started(experiment, dataset, recipe="linear", hyperparameters=QUICK))

    assert (run.status, run.error, run.progress) == ("done", "", 1.0)
    assert run.version.status == ModelVersion.Status.CANDIDATE
    assert run.version.metadata["training"]["recipe"]["every"] == 30
    assert set(run.metrics["figures"]) == {
        "this model",
        "test-1",
        "null: always the commonest",
        "null: clock and transitions",
    }
    assert run.metrics["nights"] == dataset.held_out_nights
    assert "fitting linear" in run.log
    assert list(Serving.objects.values_list("family", "version_id", "since")) == before
    event = ModelEvent.objects.get(version=run.version)
    assert (event.action, event.reason) == ("import", f"trained by run {run.uuid}")


def test_the_people_of_the_held_out_side_are_in_no_mark_of_the_manifest(
    experiment: Experiment, dataset: Dataset
) -> None:
    run = worked(started(experiment, dataset))

    shown = run.version.metadata["training"]["recipe"]
    assert shown["nights"] == dataset.fit_nights
    assert len(shown["subjects"]) == dataset.people - run.metrics["people"]


def test_a_run_that_was_cut_off_after_its_fit_goes_on_from_there(
    experiment: Experiment, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(experiment, dataset)
    fit = training_process.run_training

    class Killed(BaseException):
        """As if the worker had been."""

    def then_killed(**order: object) -> object:
        fit(**order)  # type: ignore[arg-type]  # handed on
        raise Killed

    monkeypatch.setattr(training_process, "run_training", then_killed)
    with pytest.raises(Killed):
        runs.work_run(run_id=run.pk)
    monkeypatch.undo()
    run.refresh_from_db()
    assert run.status == "running"
    assert runs.work_run(run_id=run.pk) is None  # still held
    TrainingRun.objects.update(held_until=run.created_at)
    monkeypatch.setattr(training_process, "_wait_for", None)  # nothing is fitted a second time

    assert worked(run).status == "done"
    assert run.tries == 2
    assert ModelVersion.objects.named(run.version_name).count() == 1


def test_a_run_out_of_time_is_killed_with_all_that_it_started(
    experiment: Experiment,
    dataset: Dataset,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.TRAINING_TIME_LIMIT_SECONDS = 0.2
    groups = []
    follow = training_process._follow

    def noting(process: object, *more: object) -> None:
        groups.append(process.pid)  # type: ignore[attr-defined]  # a process
        follow(process, *more)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(training_process, "_follow", noting)
    slow = {"every": 1, "iterations": 500}

    run = worked(started(experiment, dataset, recipe="linear", hyperparameters=slow))

    assert run.status == "failed"
    assert "took longer than 0.2 s" in run.error
    assert run.version is None
    assert group_members(groups[0]) == []


def test_a_run_that_needs_too_much_memory_fails(
    experiment: Experiment, dataset: Dataset, settings: Settings
) -> None:
    settings.TRAINING_MEMORY_LIMIT_MB = 10

    run = worked(started(experiment, dataset))

    assert run.status == "failed"
    assert run.error.startswith("training_failed:")


def test_a_fit_whose_worker_was_killed_ends_by_itself(
    experiment: Experiment, dataset: Dataset
) -> None:
    """The worker is a process here that starts a fit as the service does, and is killed."""
    run = started(experiment, dataset, recipe="linear", hyperparameters={"iterations": 500})
    order = runs._order(run)
    folder = runs._folder(run)
    worker = os.fork()
    if worker == 0:
        try:
            training_process.run_training(folder=folder, order=order, tell=lambda *_: None)
        finally:
            os._exit(0)
    fit = _child_of(worker)

    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)

    assert _within(60, lambda: not group_members(fit))


def _child_of(worker: int) -> int:
    children = Path(f"/proc/{worker}/task/{worker}/children")
    assert _within(60, lambda: bool(children.read_text().split()))
    return int(children.read_text().split()[0])


def _within(seconds: float, is_so: object) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_so():  # type: ignore[operator]  # a question
            return True
        time.sleep(0.1)
    return False


def test_one_fit_at_a_time(experiment: Experiment, dataset: Dataset) -> None:
    one, two = started(experiment, dataset), started(experiment, dataset)
    held = jobs.claim_job(kind=TrainingRun, pk=one.pk)

    assert runs.work_run(run_id=two.pk) is None

    assert held is not None
    jobs.fail_job(job=held, error="over")
    assert worked(two).status == "done"


def test_a_snapshot_that_is_not_there_fails_the_run(
    experiment: Experiment, dataset: Dataset, datasets_dir: Path
) -> None:
    run = started(experiment, dataset)
    for path in datasets_dir.glob("*.npz"):
        path.unlink()

    assert worked(run).error.startswith("snapshot_missing:")


def test_what_cannot_be_trained_is_refused_at_once(
    experiment: Experiment, dataset: Dataset
) -> None:
    with pytest.raises(experiments.VersionTaken):
        started(experiment, dataset, version="test-1")
    started(experiment, dataset, version="mine")
    with pytest.raises(experiments.VersionTaken):
        started(experiment, dataset, version="mine")
    queued = DatasetFactory(tenant=dataset.tenant, status="queued", finished_at=None)
    with pytest.raises(experiments.DatasetNotReady):
        started(experiment, queued)
    for _ in range(experiments.MOST_WAITING - 1):
        started(experiment, dataset)
    with pytest.raises(experiments.TooManyRuns):
        started(experiment, dataset)


def call_of(tenant: Tenant, role: str = "ml_ops") -> Calling:
    return calling_as(role, tenant)


def test_the_api_starts_a_run_and_tells_of_it(lab: Tenant, dataset: Dataset) -> None:
    call = call_of(lab)
    made = call("POST", "/v1/experiments", {"name": "less context"})
    assert made.status_code == 201
    path = made.headers["Location"]
    body = {"dataset_id": str(dataset.uuid), "recipe": "clock", "version": "by-api"}

    asked = call("POST", f"{path}/runs", body)

    assert asked.status_code == 202, asked.content
    runs.work_run(run_id=TrainingRun.objects.get().pk)
    told = call("GET", asked.headers["Location"]).json()
    assert (told["status"], told["version"], told["is_registered"]) == ("done", "by-api", True)
    assert set(told["kappa"]) >= {"this model", "test-1"}
    assert told["metrics"]["people"] >= 1
    assert call("GET", f"{path}/runs").json()["items"][0]["id"] == told["id"]
    again = call("POST", "/v1/experiments", {"name": "less context"})
    assert (again.status_code, again.json()["code"]) == (409, "experiment_name_taken")
    actions = AuditEntry.objects.filter(tenant=lab).values_list("action", flat=True)
    assert {"experiment.create", "run.start"} <= set(actions)


def test_the_api_names_what_a_recipe_does_not_take(
    lab: Tenant, dataset: Dataset, experiment: Experiment
) -> None:
    body = {
        "dataset_id": str(dataset.uuid),
        "hyperparameters": {"l2_times": -1, "depth": 3, "every": 1.5},
        "version": "No Name",
    }

    answer = call_of(lab)("POST", f"/v1/experiments/{experiment.uuid}/runs", body)

    assert answer.status_code == 422
    wrong = {f"/hyperparameters/{name}" for name in ("l2_times", "depth", "every")} | {"/version"}
    assert {pointer for pointer, _ in codes(answer)} == wrong


def test_another_tenants_snapshot_experiment_and_run_are_not_there(
    lab: Tenant, dataset: Dataset, experiment: Experiment
) -> None:
    stranger = call_of(TenantFactory())
    own = stranger("POST", "/v1/experiments", {"name": "own"}).headers["Location"]
    run = started(experiment, dataset)
    body = {"dataset_id": str(dataset.uuid)}

    assert stranger("POST", f"{own}/runs", body).status_code == 404
    path = f"/v1/experiments/{experiment.uuid}/runs"
    assert stranger("GET", path).status_code == 404
    assert stranger("POST", path, body).status_code == 404
    assert stranger("GET", f"{own}/runs/{run.uuid}").status_code == 404
    assert call_of(lab, "read")("POST", path, body).status_code == 403


def command(*words: str) -> object:
    said = StringIO()
    call_command("train", *words, "--json", stdout=said)
    return json.loads(said.getvalue())


def test_the_command_records_a_run_when_it_is_asked_to(lab: Tenant, dataset: Dataset) -> None:
    of = ("--experiment", "by hand", "--tenant", lab.slug, "--dataset", str(dataset.uuid))

    told = command(
        "linear", *of, "--version", "by-hand", "--set", "every=30", "--set", "l2_times=0.1"
    )

    assert (told["status"], told["version"]) == ("done", "by-hand")
    assert told["hyperparameters"] == {"every": 30, "l2_times": 0.1}
    assert Experiment.objects.get().name == "by hand"
    with pytest.raises(CommandError, match="--version and --output needed"):
        command("linear")
    with pytest.raises(CommandError, match="a whole number"):
        command("linear", *of, "--set", "every=0.5")
