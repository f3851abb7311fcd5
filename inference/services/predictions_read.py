"""One prediction out of the log: found by its id, and explained from the epochs it was made of."""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np

from inference import engine, queries
from inference.artifacts.faults import BadArtifact
from inference.engine import Explanation, Night
from inference.models import ModelVersion, Pass, Prediction, Role
from inference.prediction_ids import PredictionKey
from inference.refusals import ArtifactUnreadable, InputsChanged, InputsGone, ModelUnavailable
from inference.services.predictions import Work, named_if_it_fails
from inference.serving import Served, Snapshot, snapshot
from noctis import errors
from recordings import grid
from recordings.models import Recording
from recordings.queries import Span, epochs_within
from tenants.models import Tenant


@dataclass(frozen=True)
class Found:
    """A logged prediction, whose night it is of, and which version gave it."""

    recording: Recording
    prediction: Prediction
    version: ModelVersion


def find(*, tenant: Tenant, prediction_id: str) -> Found:
    """Find a prediction of the tenant's by its id, which is its key."""
    key = PredictionKey.read(prediction_id)
    if key is None or key.recording >= 1 << 31:
        raise errors.Missing
    recording = Recording.objects.owned_by(tenant).filter(pk=key.recording).first()
    if recording is None:
        raise errors.Missing
    prediction = Prediction.objects.filter(
        tenant_id=tenant.pk,
        recording_id=recording.pk,
        window_end_ts=grid.epoch_start(recording.started_at, key.epoch_index + 1),
        model_id=key.model,
        role=key.role,
        staging_pass=key.staging_pass,
        revision=key.revision,
    ).first()
    if prediction is None:
        raise errors.Missing
    version = ModelVersion.objects.select_related("schema").get(pk=prediction.model_id)
    return Found(recording, prediction, version)


def explain(*, found: Found, serving: Snapshot) -> Explanation:
    """Say what in the inputs spoke for which stage, as long as the inputs are still there."""
    prediction = found.prediction
    served = _version(found, serving)
    staging_pass = Pass(prediction.staging_pass)
    night = _inputs(found, served, staging_pass)
    work = Work(prediction.tenant_id, served, night, staging_pass, newest=1)
    if work.hashes != bytes(prediction.input_hash):
        if prediction.role == Role.INLINE:
            raise InputsGone(
                "What was sent along is not what is stored, or the engine was changed since."
            )
        raise InputsChanged
    position = prediction.epoch_index - night.first_index
    with named_if_it_fails(work):
        return engine.explain(served.model, night, position, _PASSES[staging_pass])


# A version that is asked for many times at once is loaded once, the others wait for it.
_LOADING = Lock()
_PASSES: dict[Pass, engine.Pass] = {Pass.LIVE: "live", Pass.NIGHT: "night"}


def _version(found: Found, serving: Snapshot) -> Served:
    """That very version, whether or not it still serves."""
    for served in (serving.live, serving.night):
        if served is not None and served.model_id == found.version.pk:
            return served
    try:
        with _LOADING:
            return _loaded(found.version.pk)
    except BadArtifact as fault:
        raise ModelUnavailable(
            f"{found.version.version} cannot be loaded: {fault.detail}"
        ) from None
    except ArtifactUnreadable:
        # The log has the whole; its remedy is for who runs the platform.
        raise ModelUnavailable(f"{found.version.version} cannot be loaded.") from None


@lru_cache(maxsize=2)
def _loaded(model_id: int) -> Served:
    return snapshot.serve(ModelVersion.objects.select_related("schema").get(pk=model_id))


def _inputs(found: Found, served: Served, staging_pass: Pass) -> Night:
    """The epochs that the pass looked at, as they are stored now."""
    index = found.prediction.epoch_index
    is_live = staging_pass == Pass.LIVE
    first = max(index + 1 - served.model.reach, 0) if is_live else 0
    span = Span(first, index + 1) if is_live else Span()
    stored = epochs_within(found.recording, span).found
    if not stored:
        raise InputsGone
    if [epochs.version for epochs in stored] != [served.manifest.schema_version]:
        raise InputsChanged
    (epochs,) = stored
    return queries.laid_out(epochs.index.astype(np.int64), epochs.features, first)
