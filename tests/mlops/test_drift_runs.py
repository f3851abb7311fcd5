"""Drift from staging to the report: sketches with each night, runs, the API and the command."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from devices.models import Device
from inference.models import Hypnogram, ModelVersion
from inference.services import staging
from mlops import drift_rows, tasks
from mlops.drift import Sketch
from mlops.models import DriftRun, NightSketch
from mlops.services import drift
from mlops.services.drift import Period
from mlops.training.nights import LabelledNight
from mlops.training.reference import drift_reference
from noctis.celery import app
from recordings.models import Recording
from recordings.services import erasure, nights
from tenants.models import Tenant
from tests.factories import (
    ACTOR,
    DeviceFactory,
    ServiceClientFactory,
    TenantFactory,
    signatory,
)
from tests.inference import drafts
from tests.inference.staged import closed, serve
from tests.recordings.conftest import _fresh_keys_and_allowances, _shipped_schemas
from tests.recordings.nights import features
from tests.tokens import Signatory

__all__ = ["_fresh_keys_and_allowances", "_shipped_schemas"]
pytestmark = pytest.mark.django_db
Ask = Callable[..., HttpResponse]
WIDTH = len(drafts.NAMES)
TODAY = datetime.now(UTC).date()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def model() -> ModelVersion:
    """A version that says what it was trained on."""
    random = np.random.default_rng(1)
    trained = [
        LabelledNight(
            f"sleeper-{seed}", features(60, seed), random.integers(0, 4, 60).astype(np.int8)
        )
        for seed in range(4)
    ]
    served = serve(
        "test-drift", drift_reference=drift_reference(drafts.LABELS, drafts.NAMES, trained)
    )
    return ModelVersion.objects.select_related("schema").get(pk=served.model_id)


@pytest.fixture
def ask(client: Client, tenant: Tenant) -> Ask:
    reader = signatory(client=ServiceClientFactory(tenant=tenant, role="read"))

    def call(query: str = "", *, who: Signatory = reader) -> HttpResponse:
        return client.get(
            f"/v1/model/drift{query}", headers={"Authorization": f"Bearer {who.token()}"}
        )

    return call


def sketched(tenant: Tenant, model: ModelVersion, ages: range, shift: int = 0) -> None:
    """A night of the one device on each of the days so long ago, its values so many bins higher."""
    device = Device.objects.filter(tenant=tenant).first() or DeviceFactory(tenant=tenant)
    for age in ages:
        random = np.random.default_rng(age)
        start = datetime.combine(TODAY - timedelta(days=age), datetime.min.time(), UTC)
        night = Recording.objects.create(
            tenant=tenant,
            device=device,
            started_at=start,
            night_on=start.date(),
            last_heard_at=start,
            ended_at=start + timedelta(hours=8),
            status=Recording.Status.STAGED,
        )
        bins = np.clip(random.integers(2, 7, (WIDTH, 60)) + shift, 0, 9)
        counts = np.array([np.bincount(row, minlength=10) for row in bins])
        total = bins.sum(axis=1).astype(float) + random.normal(0, 5, WIDTH)
        stages = np.array([10, 30, 10, 10])
        drift_rows.keep(night, model, Sketch(60, counts, total, total**2, stages, 0.7))


def test_a_staged_night_leaves_a_sketch_of_what_was_looked_at(
    tenant: Tenant, model: ModelVersion
) -> None:
    night = closed(tenant, 60)

    hypnogram = staging.stage_night(recording_id=night.pk)

    assert isinstance(hypnogram, Hypnogram)
    sketch = NightSketch.objects.get(recording=night, model=model)
    assert (sketch.epochs, sketch.night_on, sketch.device_id) == (
        60,
        night.night_on,
        night.device_id,
    )
    known = np.array(sketch.counts).reshape(WIDTH, 10).sum(axis=1)
    assert known.tolist() == np.isfinite(features(60)).sum(axis=0).tolist()
    stages = np.array(hypnogram.stages)
    assert sum(sketch.stages) == (stages >= 0).sum()
    assert sketch.confidence == pytest.approx(hypnogram.mean_confidence, abs=1e-6)


def test_a_night_that_is_staged_anew_has_one_sketch(tenant: Tenant, model: ModelVersion) -> None:
    night = closed(tenant, 60)
    staging.stage_night(recording_id=night.pk)
    night.refresh_from_db()

    nights.stage_again(recording=night, actor=ACTOR, reason="again")
    staging.stage_night(recording_id=night.pk)

    assert NightSketch.objects.filter(recording=night).count() == 1


def test_a_version_that_says_nothing_of_its_training_stages_without_a_sketch(
    tenant: Tenant,
) -> None:
    serve()
    night = closed(tenant, 60)

    assert staging.stage_night(recording_id=night.pk) is not None
    assert not NightSketch.objects.exists()


def test_an_erased_night_takes_its_sketch_along(tenant: Tenant, model: ModelVersion) -> None:
    night = closed(tenant, 60)
    staging.stage_night(recording_id=night.pk)

    wanted = erasure.erase_recording(tenant=tenant, recording_uuid=night.uuid, actor=ACTOR)
    erasure.work_off(erasure_id=wanted.pk, actor=ACTOR)

    assert not NightSketch.objects.exists()


def test_what_is_written_is_what_is_read(tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 4))
    sketched(TenantFactory(), model, range(1, 3))
    names = [feature["name"] for feature in model.schema.features]
    reference = drift.reference_of(metadata=model.metadata, features=names)

    found = drift_rows.between(tenant, model, reference, (TODAY - timedelta(days=2), TODAY))

    rows = NightSketch.objects.owned_by(tenant).filter(night_on__gte=TODAY - timedelta(days=2))
    assert len(found) == rows.count() == 2
    for place, row in enumerate(rows.order_by("night_on")):
        assert found.counts[place].ravel().tolist() == row.counts
        assert found.total[place] == pytest.approx(row.total, rel=1e-6)
        assert found.stages[place].tolist() == row.stages


def test_too_few_nights_are_said_to_be_too_few(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    sketched(tenant, model, range(1, 5))

    answer = ask()

    assert answer.status_code == 200
    told = answer.json()
    assert (told["severity"], told["is_alarm"]) == ("insufficient_data", False)
    assert told["nights"] == {"current": 0, "baseline": 0}
    assert told["left_out"] == {"current": 4, "baseline": 0}
    assert told["flagged_features"] == []


def test_nights_that_moved_are_flagged_and_nothing_is_written(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    sketched(tenant, model, range(15, 40))
    sketched(tenant, model, range(1, 14), shift=3)

    told = ask("?model_version=test-drift").json()

    assert told["severity"] == "HIGH"
    assert len(told["flagged_features"]) == WIDTH
    assert [row["name"] for row in told["features"]] == list(drafts.NAMES)
    assert told["id"] is None
    assert not DriftRun.objects.exists()


def test_nights_that_did_not_move_are_not(ask: Ask, tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 40))

    told = ask().json()

    assert (told["severity"], told["flagged_features"]) == ("LOW", [])


def test_the_newest_run_is_what_is_told(ask: Ask, tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 40))
    run = drift.run(tenant=tenant, model=model)

    told = ask().json()

    assert told["id"] == str(run.uuid)
    assert told["severity"] == run.severity


def test_a_period_can_be_named(ask: Ask, tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 60))
    day = TODAY - timedelta(days=10)

    told = ask(f"?to={day}").json()

    assert told["to"] == day.isoformat()
    assert told["from"] == (day - timedelta(days=14)).isoformat()
    assert told["nights"] == {"current": 14, "baseline": 28}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?from=yesterday", 422, "validation_error"),
        ("?from=2026-03-02&to=2026-03-02", 422, "validation_error"),
        ("?from=0001-01-01", 422, "validation_error"),
        ("?to=0001-01-05", 422, "validation_error"),
        ("?from=9999-12-31", 422, "validation_error"),
        ("?model_version=nobody", 404, "model_not_found"),
        ("?colour=red", 422, "validation_error"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    ask: Ask, model: ModelVersion, query: str, status: int, code: str
) -> None:
    answer = ask(query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_version_without_a_reference_is_refused(ask: Ask) -> None:
    serve()

    assert ask().json()["code"] == "no_drift_reference"


def test_another_tenant_sees_none_of_it(ask: Ask, tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 40))
    drift.run(tenant=tenant, model=model)
    stranger = signatory(client=ServiceClientFactory(tenant=TenantFactory(), role="read"))

    told = ask(who=stranger).json()

    assert (told["id"], told["nights"]) == (None, {"current": 0, "baseline": 0})


def test_the_number_of_queries_does_not_grow_with_nights(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    counts = []
    for ages in (range(1, 3), range(3, 60)):
        sketched(tenant, model, ages)
        ask()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            ask()
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_two_days_of_three_make_an_alarm(tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(15, 45))
    sketched(tenant, model, range(1, 15), shift=3)

    runs = [drift.run(tenant=tenant, model=model, until=day) for day in (TODAY, TODAY)]
    later = drift.run(tenant=tenant, model=model, until=TODAY + timedelta(days=1))

    assert [run.is_alarm for run in runs] == [False, False]
    assert later.is_alarm


def test_the_schedule_looks_at_each_tenant_once(
    tenant: Tenant, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    other = TenantFactory()
    sketched(tenant, model, range(1, 40))
    sketched(other, model, range(1, 20))

    assert tasks.look_for_drift() == 2
    assert {run.tenant for run in DriftRun.objects.all()} == {tenant, other}


def test_a_night_beyond_all_measure_stops_nobody_s_run(tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 40))
    night = Recording.objects.filter(tenant=tenant).first()
    sums, counts = np.full(WIDTH, 1e39), np.full((WIDTH, 10), 6)

    drift_rows.keep(night, model, Sketch(60, counts, sums, sums**2, np.array([15] * 4), 0.7))

    assert drift.due() == [(tenant.pk, model.pk)]
    assert drift.run_due(tenant_id=tenant.pk, model_id=model.pk).pk


def test_the_worst_tenant_is_what_the_metric_tells(tenant: Tenant, model: ModelVersion) -> None:
    calm = TenantFactory()
    sketched(calm, model, range(1, 40))
    sketched(tenant, model, range(15, 40))
    sketched(tenant, model, range(1, 14), shift=3)

    for tenant_id, model_id in drift.due():
        drift.run_due(tenant_id=tenant_id, model_id=model_id)

    labels = {"model_version": model.version}
    assert REGISTRY.get_sample_value("drift_severity_gauge", labels) == 2
    assert (REGISTRY.get_sample_value("drift_score_gauge", labels) or 0) > 0.2


def test_the_command_runs_shows_and_lists(tenant: Tenant, model: ModelVersion) -> None:
    sketched(tenant, model, range(1, 40))
    named = ["--tenant", tenant.slug]

    told = json.loads(said("drift", "run", *named, "--model", model.version, "--json"))
    shown = said("drift", "show", *named, "--model", model.version)
    listed = said("drift", "list", *named)

    assert told["severity"] == "LOW"
    assert drafts.NAMES[0] in shown
    assert model.version in listed


def test_the_command_names_a_tenant_that_is_not_there(model: ModelVersion) -> None:
    with pytest.raises(CommandError, match="no tenant nowhere"):
        said("drift", "list", "--tenant", "nowhere")


def test_a_period_is_two_runs_of_days_that_meet() -> None:
    period = Period.ending(date(2026, 3, 15))

    assert (period.current_from, period.baseline_from) == (date(2026, 3, 1), date(2026, 2, 1))


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()
