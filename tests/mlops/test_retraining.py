"""Retraining: what opens one, one at a time, pauses kept in rows, and always a candidate."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from inference.models import ModelVersion, Serving
from mlops import tasks
from mlops.models import Dataset, DriftRun, Retraining, TrainingRun
from mlops.services import datasets, experiments, retraining, retraining_causes, runs
from mlops.services.criteria import Criteria
from mlops.services.experiments import Wanted
from mlops.services.retraining import Plan, Why
from noctis.celery import app
from tenants.models import AuditEntry, Tenant
from tests.calling import calling_as
from tests.factories import (
    ACTOR,
    PlatformFactory,
    RetrainingFactory,
    TenantFactory,
    TrainingRunFactory,
)
from tests.mlops.staged_nights import FOUR, score, stage
from tests.recordings.nights import night_of
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]
pytestmark = pytest.mark.django_db
CLOCK = Plan(recipe="clock")


def opened(tenant: Tenant, plan: Plan = CLOCK, why: Why | None = None) -> Retraining:
    return retraining.open_retraining(
        tenant=tenant, plan=plan, why=why or Why(reason="asked"), actor=ACTOR
    )


def ended(tenant: Tenant, ago: timedelta, status: str = "failed") -> Retraining:
    row = RetrainingFactory(tenant=tenant, finished_at=timezone.now() - ago)
    if status == "done":
        run = a_run(tenant)
        Retraining.objects.filter(pk=row.pk).update(status="done", run=run)
    return row


def a_run(tenant: Tenant, state: str = ModelVersion.Status.REJECTED) -> TrainingRun:
    """A run that is done, with a version in a state."""
    version = ModelVersion.objects.latest("pk")
    ModelVersion.objects.filter(pk=version.pk).update(status=state)
    return TrainingRunFactory(
        tenant=tenant, status="done", finished_at=timezone.now(), version=version
    )


def test_it_goes_step_by_step_and_ends_in_a_candidate(lab: Tenant) -> None:
    row = opened(lab)
    serves = list(Serving.objects.values_list("family", "version_id"))
    for _ in range(2):  # every step twice: the second finds nothing to do
        retraining.advance(retraining_id=row.pk)
    dataset = Dataset.objects.get()
    datasets.build_dataset(dataset_id=dataset.pk)
    for _ in range(2):
        retraining.advance(retraining_id=row.pk)
    run = TrainingRun.objects.get()
    runs.work_run(run_id=run.pk)
    for _ in range(2):
        retraining.advance(retraining_id=row.pk)

    row.refresh_from_db()
    assert (row.status, row.progress, row.dataset, row.run) == ("done", 1.0, dataset, run)
    assert row.run.version.status == ModelVersion.Status.CANDIDATE
    assert row.run.metrics["figures"].keys() >= {"this model", "test-1"}
    assert list(Serving.objects.values_list("family", "version_id")) == serves
    assert row.run.experiment.name == "retraining, night"


def test_the_tasks_alone_bring_it_to_its_end(lab: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    row = opened(lab)

    tasks.sweep_jobs()

    row.refresh_from_db()
    assert (row.status, row.error) == ("done", "")


def test_a_step_that_fails_takes_it_along_and_says_so(lab: Tenant) -> None:
    plan = Plan(recipe="clock", criteria=Criteria(label_sources=("psg",)))
    row = opened(lab, plan)
    retraining.advance(retraining_id=row.pk)
    datasets.build_dataset(dataset_id=Dataset.objects.get().pk)

    retraining.advance(retraining_id=row.pk)

    row.refresh_from_db()
    assert row.status == "failed"
    assert "too_few_people" in row.error
    assert not TrainingRun.objects.exists()


def test_there_is_one_of_a_family_and_scope_at_a_time(lab: Tenant) -> None:
    opened(lab)

    with pytest.raises(retraining.RetrainingUnderWay):
        opened(lab)
    opened(lab, Plan(family="live", recipe="clock"))
    opened(TenantFactory())
    # And past the service the database says so too.
    with pytest.raises(IntegrityError), transaction.atomic():
        RetrainingFactory(tenant=lab, status="queued", error="", finished_at=None)


@pytest.mark.parametrize(
    ("status", "ago", "is_paused"),
    [
        ("done", timedelta(hours=23), True),
        ("done", timedelta(hours=25), False),
        ("failed", timedelta(minutes=50), True),
        ("failed", timedelta(minutes=70), False),
    ],
)
def test_it_pauses_a_day_after_success_and_an_hour_after_failure(
    lab: Tenant, status: str, ago: timedelta, is_paused: bool
) -> None:
    ended(lab, ago, status)

    if is_paused:
        with pytest.raises(retraining.RetrainingPaused, match="Not before"):
            opened(lab)
    else:
        opened(lab)


def test_what_no_recipe_takes_is_refused_before_there_is_a_row(lab: Tenant) -> None:
    with pytest.raises(Exception, match="problem"):
        opened(lab, Plan(recipe="clock", hyperparameters={"l2": 1}))

    assert not Retraining.objects.exists()


def drifted(tenant: Tenant, severity: str = "MEDIUM", **facts: object) -> DriftRun:
    today = timezone.now().date()
    usual = {
        "model": Serving.objects.get(family="night").version,
        "baseline_from": today - timedelta(days=42),
        "current_from": today - timedelta(days=14),
        "until": today,
        "current_nights": 20,
        "baseline_nights": 40,
        "is_alarm": True,
        "seconds": 0.1,
    }
    return DriftRun.objects.create(tenant=tenant, severity=severity, **usual | facts)


def test_drift_that_lasts_opens_one_for_each_family_that_the_version_serves(lab: Tenant) -> None:
    run = drifted(lab)

    found = retraining_causes.open_due(actor=ACTOR)

    assert {(row.family, row.cause, row.drift_run) for row in found} == {
        ("live", "drift", run),
        ("night", "drift", run),
    }
    assert retraining_causes.open_due(actor=ACTOR) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"severity": "LOW"},
        {"severity": "insufficient_data"},
        {"is_alarm": False},
        {"until": timezone.now().date() - timedelta(days=5)},
    ],
)
def test_drift_that_is_small_single_or_old_opens_none(
    lab: Tenant, facts: dict[str, object]
) -> None:
    drifted(lab, **facts)

    assert retraining_causes.open_due(actor=ACTOR) == []


def test_of_a_tenants_comparisons_the_newest_counts(lab: Tenant) -> None:
    drifted(lab, until=timezone.now().date() - timedelta(days=1))
    drifted(lab, "LOW", is_alarm=True)

    assert retraining_causes.open_due(actor=ACTOR) == []


def test_while_a_candidate_waits_for_somebody_drift_opens_no_other(lab: Tenant) -> None:
    drifted(lab)
    row = RetrainingFactory(tenant=lab, finished_at=timezone.now() - timedelta(days=3))
    run = a_run(lab, ModelVersion.Status.CANDIDATE)
    Retraining.objects.filter(pk=row.pk).update(status="done", run=run)

    assert {one.family for one in retraining_causes.open_due(actor=ACTOR)} == {"live"}
    ModelVersion.objects.filter(pk=run.version_id).update(status="rejected")
    assert {one.family for one in retraining_causes.open_due(actor=ACTOR)} == {"night"}


GOOD, BAD = ("WWLLLL33RRW" * 4,) * 2, ("WWLLLL33RRW" * 4, "LLWWRR33LLW" * 4)


def scored(tenant: Tenant, days_ago: list[int], pair: tuple[str, str]) -> None:
    version = Serving.objects.get(family="night").version
    version.metadata = version.metadata | {"labels": FOUR}
    now = timezone.now().replace(microsecond=0)
    for place, days in enumerate(days_ago):
        started_at = now - timedelta(days=days, minutes=place)
        recording = night_of(tenant, started_at)
        score(recording, pair[0])
        stage(recording, pair[1], version)


def test_agreement_that_fell_within_a_week_opens_one(lab: Tenant) -> None:
    scored(lab, list(range(9, 21)), GOOD)
    scored(lab, [1, 2, 3, 4, 5, 6], BAD)

    (row,) = retraining_causes.open_due(actor=ACTOR)

    assert (row.cause, row.family) == ("regression", "night")
    assert row.reason.startswith("kappa fell from 1.00 to")


@pytest.mark.parametrize(("before", "now"), [(9, 6), (12, 4)])
def test_of_few_scored_nights_nothing_is_concluded(lab: Tenant, before: int, now: int) -> None:
    scored(lab, list(range(9, 9 + before)), GOOD)
    scored(lab, list(range(1, 1 + now)), BAD)

    assert retraining_causes.open_due(actor=ACTOR) == []


def test_agreement_that_stays_opens_none(lab: Tenant) -> None:
    scored(lab, list(range(9, 21)), BAD)
    scored(lab, [1, 2, 3, 4, 5, 6], BAD)

    assert retraining_causes.open_due(actor=ACTOR) == []


def test_the_api_opens_one_and_tells_of_it(lab: Tenant) -> None:
    alarm = drifted(lab)
    call = calling_as("ml_ops", lab)
    body = {"reason": "New scorings.", "recipe": "clock", "dataset": {"label_sources": ["human"]}}

    made = call("POST", "/v1/retrainings", body)

    assert made.status_code == 202, made.content
    told = call("GET", made.headers["Location"]).json()
    assert (told["cause"], told["status"], told["version"]) == ("person", "queued", None)
    assert told["drift_run_id"] == str(alarm.uuid)
    again = call("POST", "/v1/retrainings", body)
    assert (again.status_code, again.json()["code"]) == (409, "retraining_under_way")
    assert AuditEntry.objects.filter(tenant=lab, action="retraining.open").count() == 1


def test_who_may_ask_and_who_may_look(lab: Tenant) -> None:
    row = RetrainingFactory(tenant=lab)
    body = {"reason": "x"}

    assert calling_as("read", lab)("GET", f"/v1/retrainings/{row.uuid}").status_code == 200
    assert calling_as("read", lab)("POST", "/v1/retrainings", body).status_code == 403
    stranger = calling_as("ml_ops", TenantFactory())
    assert stranger("GET", f"/v1/retrainings/{row.uuid}").status_code == 404
    assert stranger("GET", "/v1/retrainings").json()["items"] == []
    wide = body | {"dataset": {"scope": "platform"}}
    assert calling_as("ml_ops", lab)("POST", "/v1/retrainings", wide).status_code == 403
    platform = calling_as("ml_ops", PlatformFactory())
    assert platform("POST", "/v1/retrainings", wide).status_code == 202


def command(*words: str) -> object:
    said = StringIO()
    call_command("retrain", *words, "--json", stdout=said)
    return json.loads(said.getvalue())


def test_the_command_opens_works_and_lists(lab: Tenant) -> None:
    of = ("--tenant", lab.slug, "--reason", "for a test", "--recipe", "clock")

    told = command("open", *of, "--here", "--version-name", "by-command")

    assert (told["status"], told["version"]) == ("done", "by-command")
    assert command("list", "--tenant", lab.slug)[0]["id"] == told["id"]
    drifted(lab)
    assert [one["family"] for one in command("due")] == ["live"]  # night's candidate waits
    with pytest.raises(CommandError, match="retraining_paused"):
        command("open", *of)


def test_a_run_has_no_pause(lab: Tenant) -> None:
    ended(lab, timedelta(minutes=1))
    row = datasets.ask_for_dataset(tenant=lab, criteria=Criteria(), actor=ACTOR)
    datasets.build_dataset(dataset_id=row.pk)
    experiment = experiments.find_or_open(tenant=lab, name="x", actor=ACTOR)

    wanted = Wanted(Dataset.objects.get(), "clock")

    assert experiments.start_run(experiment=experiment, wanted=wanted, actor=ACTOR).pk
