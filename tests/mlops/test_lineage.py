"""From a prediction back to the nights that its version was trained on, as far as one may know."""

import pytest

from inference.models import ModelVersion
from mlops.models import Dataset, TrainingRun
from mlops.services import datasets, experiments, runs
from mlops.services.criteria import Criteria
from mlops.services.experiments import Wanted
from recordings.models import Recording
from tenants.models import Tenant
from tests.calling import calling_as
from tests.factories import ACTOR, PlatformFactory, PredictionFactory, TenantFactory
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]
pytestmark = pytest.mark.django_db


def trained(tenant: Tenant, **criteria: object) -> TrainingRun:
    row = datasets.ask_for_dataset(tenant=tenant, criteria=Criteria(**criteria), actor=ACTOR)
    datasets.build_dataset(dataset_id=row.pk)
    experiment = experiments.find_or_open(tenant=tenant, name="first", actor=ACTOR)
    wanted = Wanted(Dataset.objects.get(pk=row.pk), "clock")
    run = experiments.start_run(experiment=experiment, wanted=wanted, actor=ACTOR)
    runs.work_run(run_id=run.pk)
    run.refresh_from_db()
    return run


def predicted(tenant: Tenant, version: ModelVersion) -> str:
    night = Recording.objects.owned_by(tenant).first()
    return str(
        PredictionFactory(
            tenant_id=tenant.pk,
            recording_id=night.pk,
            model_id=version.pk,
            window_end_ts=night.started_at + (night.started_at - night.started_at).resolution * 3e7,
        ).public_id
    )


def test_one_walks_from_a_prediction_to_the_nights(lab: Tenant) -> None:
    run = trained(lab)
    call = calling_as("read", lab)

    answer = call("GET", f"/v1/predictions/{predicted(lab, run.version)}/lineage")

    told = answer.json()
    assert answer.status_code == 200, told
    assert told["model_version"] == run.version_name
    assert told["run"]["id"] == str(run.uuid)
    assert told["experiment"]["name"] == "first"
    assert told["dataset"]["checksum"] == run.dataset.checksum
    assert told["trained_on"]["nights"] == run.dataset.fit_nights
    nights = {row["recording_id"] for row in told["nights"]}
    own = {str(uuid) for uuid in Recording.objects.owned_by(lab).values_list("uuid", flat=True)}
    assert nights == own
    assert told["own_nights"] == len(own) == 5


def test_another_tenant_is_told_what_the_manifest_says_and_no_more(lab: Tenant) -> None:
    run = trained(lab)
    stranger = calling_as("admin", TenantFactory())

    told = stranger("GET", f"/v1/models/{run.version_name}/lineage").json()

    assert (told["run"], told["experiment"], told["dataset"]) == (None, None, None)
    assert (told["own_nights"], told["nights"]) == (0, [])
    assert told["trained_on"]["nights"] == run.dataset.fit_nights
    assert str(run.uuid) not in str(told)


def test_whose_nights_the_platform_trained_on_may_know_which(lab: Tenant) -> None:
    run = trained(PlatformFactory(), scope="platform")

    told = calling_as("read", lab)("GET", f"/v1/models/{run.version_name}/lineage").json()

    assert told["run"] is None
    assert told["own_nights"] == 5


def test_of_a_version_that_ships_the_manifest_speaks_alone(lab: Tenant) -> None:
    told = calling_as("read", lab)("GET", "/v1/models/test-1/lineage").json()

    assert told["run"] is None
    assert told["trained_on"].keys() >= {"sources", "snapshot", "code_revision"}
