"""The line as a whole: labelled nights, a snapshot, a run, a candidate, and a retraining of it."""

import pytest

from mlops.services import datasets, experiments, runs
from mlops.services.criteria import Criteria
from mlops.services.experiments import Wanted
from tests.factories import ACTOR, TenantFactory
from tests.inference.conftest import shipped_schemas, store
from tests.inference.staged import serve
from tests.mlops.training_nights import people, scored_by_people

__all__ = ["shipped_schemas", "store"]
pytestmark = pytest.mark.django_db


def test_line(store, shipped_schemas, settings, tmp_path):
    settings.DATASETS_DIR = tmp_path / "d"
    serve()
    tenant = TenantFactory()
    people(tenant, 5)
    scored_by_people(tenant)
    d = datasets.ask_for_dataset(tenant=tenant, criteria=Criteria(), actor=ACTOR)
    d = datasets.build_dataset(dataset_id=d.pk)
    print(vars(d))
    print(datasets.verify_dataset(dataset=d, rebuild=True))
    e = experiments.open_experiment(tenant=tenant, name="x", actor=ACTOR)
    run = experiments.start_run(
        experiment=e, wanted=Wanted(d, hyperparameters={"every": 8, "iterations": 5}), actor=ACTOR
    )
    run = runs.work_run(run_id=run.pk)
    run.refresh_from_db()
    print(vars(run))
    assert run.status == "done"
