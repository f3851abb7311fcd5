"""One object of a tenant behind each address that leads to one, for the walk over all routes."""

from devices.api import Devices
from devices.models import Device
from inference.api.decisions import ModelDecisions
from inference.api.hypnograms import RecordingHypnogram, RecordingSummary
from inference.api.models import Models
from inference.api.predictions import Predictions, RecordingPredictions
from inference.models import ModelVersion, Prediction
from inference.services import shipped
from mlops.api.datasets import Datasets
from mlops.api.evaluation import RecordingEvaluation
from mlops.api.experiments import ExperimentRuns, Experiments
from mlops.api.gates import ModelGates
from mlops.api.lineage import ModelLineage, PredictionLineage
from mlops.api.replays import Replays
from mlops.api.retrainings import Retrainings
from operations.api.stress import Stress
from operations.models import StressRun
from operations.services.stress import request_run
from operations.stress import Profile
from recordings.api.epochs_read import RecordingEpochs
from recordings.api.erasures import Erasures, Subjects
from recordings.api.labels import RecordingLabels
from recordings.api.nights import Recordings
from recordings.api.schemas import FeatureSchemas
from recordings.grid import epoch_start
from recordings.models import Recording
from recordings.schemas import ACTIVE_VERSION
from tenants import api
from tenants.models import Tenant
from tests.factories import (
    ACTOR,
    DatasetFactory,
    DeviceFactory,
    ErasureFactory,
    ExperimentFactory,
    KeyFactory,
    PredictionFactory,
    RecordingFactory,
    ReplayFactory,
    RetrainingFactory,
    TrainingRunFactory,
)
from tests.routes import PathOf
from tests.tokens import without


def client_path(tenant: Tenant) -> dict[str, str]:
    return without(key_path(tenant), "kid")


def key_path(tenant: Tenant) -> dict[str, str]:
    key = KeyFactory(client__tenant=tenant).key
    return {"id": str(key.client.uuid), "kid": key.kid}


def device_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(device_of(tenant).uuid)}


def device_of(tenant: Tenant) -> Device:
    """The tenant's first one: the keys of the walk that are bound to a device are bound to it."""
    return Device.objects.owned_by(tenant).order_by("pk").first() or DeviceFactory(tenant=tenant)


def recording_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(RecordingFactory(device=device_of(tenant)).uuid)}


def subject_path(tenant: Tenant) -> dict[str, str]:
    return {"subject": RecordingFactory(device=device_of(tenant), subject=f"P-{tenant.pk}").subject}


def erasure_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(ErasureFactory(tenant=tenant).uuid)}


def dataset_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(DatasetFactory(tenant=tenant).uuid)}


def experiment_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(ExperimentFactory(tenant=tenant).uuid)}


def run_path(tenant: Tenant) -> dict[str, str]:
    run = TrainingRunFactory(tenant=tenant)
    return {"id": str(run.experiment.uuid), "run": str(run.uuid)}


def retraining_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(RetrainingFactory(tenant=tenant).uuid)}


def replay_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(ReplayFactory(tenant=tenant).uuid)}


def schema_path(tenant: Tenant) -> dict[str, str]:
    return {"version": ACTIVE_VERSION}


def prediction_path(tenant: Tenant) -> dict[str, str]:
    return {"id": str(prediction_of(RecordingFactory(device=device_of(tenant))).public_id)}


def prediction_of(night: Recording) -> Prediction:
    """By a version that ships, of the night's first epoch."""
    return PredictionFactory(
        tenant_id=night.tenant_id,
        recording_id=night.pk,
        model_id=ModelVersion.objects.get(version=shipped.SHIPPED[-1]).pk,
        window_end_ts=epoch_start(night.started_at, 1),
    )


# How to make one object of a tenant, as the path parameters that lead to it.
OBJECTS: dict[type, PathOf] = {
    api.Clients: client_path,
    api.ClientKeys: key_path,
    Devices: device_path,
    Recordings: recording_path,
    RecordingEpochs: recording_path,
    RecordingLabels: recording_path,
    RecordingPredictions: recording_path,
    Predictions: prediction_path,
    RecordingHypnogram: recording_path,
    RecordingSummary: recording_path,
    RecordingEvaluation: recording_path,
    Subjects: subject_path,
    Erasures: erasure_path,
    Replays: replay_path,
    PredictionLineage: prediction_path,
    Datasets: dataset_path,
    Experiments: experiment_path,
    ExperimentRuns: run_path,
    Retrainings: retraining_path,
}


def model_path(tenant: Tenant) -> dict[str, str]:
    return {"version": shipped.SHIPPED[0]}


def stress_path(tenant: Tenant) -> dict[str, str]:
    run = StressRun.objects.first() or request_run(
        profile=Profile("ingest", 1, 1, 30, 120, 1, 1, 1), actor=ACTOR
    )
    return {"id": str(run.uuid)}


# The same for every tenant, so there is no other tenant's that would have to be hidden.
SHARED: dict[type, PathOf] = {
    FeatureSchemas: schema_path,
    Models: model_path,
    ModelDecisions: model_path,
    ModelLineage: model_path,
    Stress: stress_path,
    ModelGates: model_path,
}
