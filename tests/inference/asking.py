"""Questions for stages in tests: somebody who may ask, and what the slow way would answer."""

from typing import Any

import numpy as np
from django.http import HttpResponse

from inference import engine, serving
from inference.artifacts import files_of
from inference.engine import Staged
from inference.models import Prediction
from inference.services import model_imports, registry
from inference.serving import Served
from recordings.models import Epoch, Recording
from tests.calling import Calling, calling_as
from tests.factories import PlatformFactory
from tests.inference import drafts
from tests.inference.staged import DECISION, FAMILIES
from tests.recordings.full_nights import ship_schemas


class Asking:
    """The tenant's reader at `/v1/predict` and at the log."""

    def __init__(self, night: Recording, role: str = "read", **key: object) -> None:
        self.night = night
        self.call: Calling = calling_as(role, night.tenant, **key)

    def __call__(self, scope: Any = "", **body: Any) -> HttpResponse:
        asked = {"recording_id": str(self.night.uuid)} | ({} if scope == "" else {"scope": scope})
        return self.call("POST", "/v1/predict", asked | body)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def log(self, query: str = "", **headers: str) -> HttpResponse:
        return self.get(f"/v1/recordings/{self.night.uuid}/predictions{query}", **headers)


def serve_network(
    version: str = "network-1", seed: int = 0, passes: tuple[str, ...] = FAMILIES, **fails: float
) -> Served:
    """A small network instead of the usual matrix: dear enough to be remembered."""
    ship_schemas()
    PlatformFactory()
    raw = drafts.network_bytes(seed, **fails)
    files = files_of(drafts.draft(version, drafts.networked(raw), network=raw, passes=passes))
    model_imports.import_version(files=files, decision=DECISION)
    registry.validate_version(version=version, decision=DECISION)
    registry.serve_version(version=version, decision=DECISION)
    now = serving.refresh()
    found = now.live or now.night
    assert found is not None
    return found


def slow_matrix(night: Recording, last: int | None = None) -> np.ndarray:
    """One ORM row at a time, gaps where there is none."""
    rows = Epoch.objects.filter(recording_id=night.pk)
    matrix = np.full((1 + (night.last_index if last is None else last), 15), np.nan, np.float32)
    for row in rows:
        if row.epoch_index < len(matrix):
            matrix[row.epoch_index] = row.features
    return matrix


def slow_live(served: Served, night: Recording, index: int) -> Staged:
    """One epoch, from all that was before it."""
    known = engine.Night(slow_matrix(night, index))
    return engine.stage_live(served.model, known, 1)


def row_of(night: Recording, index: int, **wanted: object) -> Prediction:
    return Prediction.objects.get(recording_id=night.pk, epoch_index=index, **wanted)


def indexes(answer: HttpResponse) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["epoch_index"] for row in answer.json()["predictions"]]


def cached(answer: HttpResponse) -> set[bool]:
    return {row["cached"] for row in answer.json()["predictions"]}
