"""Every metric that the platform promises moves when what it is about happens."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY, generate_latest

from inference import serving
from inference.models import ModelVersion
from inference.services import staging
from mlops.services import drift
from mlops.training.nights import LabelledNight
from mlops.training.reference import drift_reference
from noctis import limits, metrics, overload
from noctis.dashboard import sampling
from noctis.db import circuit, transactions
from noctis.db.circuit import Circuit
from noctis.line import Rank
from noctis.rates import Limit
from operations.services import objectives, room
from recordings.models import Recording
from tenants.tasks import count_active_tenants
from tests.calling import calling_as
from tests.factories import TenantFactory
from tests.inference import drafts
from tests.inference.asking import Asking
from tests.inference.staged import closed, opened, send, serve
from tests.recordings.conftest import _fresh_keys_and_allowances, _shipped_schemas
from tests.recordings.nights import body, features

__all__ = ["_fresh_keys_and_allowances", "_shipped_schemas"]
pytestmark = pytest.mark.django_db
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}")
LOSE = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"
COUNTS = count(1)  # each told once


@dataclass(frozen=True)
class Scene:
    settings: LazySettings
    patch: pytest.MonkeyPatch

    def night(self, count: int = 60) -> Recording:
        night = opened()
        send(night, count)
        return night

    def ingest(self) -> None:
        night = opened()
        sent = calling_as("ingest", night.tenant)("POST", "/v1/epochs:ingest", self.batch(night))
        assert sent.status_code == 200

    def batch(self, night: Recording) -> object:
        return body(night, features(40))

    def ingest_nonsense(self) -> None:
        ask = calling_as("ingest", TenantFactory())
        assert ask("POST", "/v1/epochs:ingest", {}).status_code == 422

    def predict(self) -> None:
        assert Asking(self.night())("latest").status_code == 200

    def predict_twice(self) -> None:
        ask = Asking(self.night())
        assert [ask("latest").status_code for _ in range(2)] == [200, 200]

    def predict_without_a_model(self) -> None:
        night = self.night()
        self.settings.ACTIVE_MODEL_VERSION = "nobody"
        serving.forget()
        assert Asking(night)("latest").status_code == 503

    def fail_to_load(self) -> None:
        self.settings.ACTIVE_MODEL_VERSION = "nobody"
        serving.refresh()

    def load(self) -> None:
        serve("test-2")

    def look_for_drift(self) -> None:
        random = np.random.default_rng(1)
        trained = [
            LabelledNight(f"s{seed}", features(60, seed), random.integers(0, 4, 60).astype(np.int8))
            for seed in range(4)
        ]
        known = drift_reference(drafts.LABELS, drafts.NAMES, trained)
        served = serve(f"drift-{uuid4().hex[:8]}", drift_reference=known)
        night = closed(TenantFactory(), 60)
        staging.stage_night(recording_id=night.pk)
        model = ModelVersion.objects.get(pk=served.model_id)
        drift.run_due(tenant_id=night.tenant_id, model_id=model.pk)

    def retry(self) -> None:
        statements = iter([LOSE, "SELECT 1"])

        def once() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(next(statements))

        transactions._tried(once, connection, lambda _: True)

    def overload(self) -> None:
        platform = overload.Application(lambda _environ, _start: [], {Rank.OTHER: 1})
        platform.refusal(b"GET / HTTP/1.1\r\n\r\n", Rank.OTHER, is_kept=False)
        platform.tell({Rank.OTHER: next(COUNTS)})

    def open_circuit(self) -> None:
        for dependency in (circuit.OF_THE_DATABASE, limits.STORE.dependency):
            Circuit(threshold=1, recovery_s=1, dependency=dependency).note_failure("test")

    def refuse_a_token(self) -> None:
        headers = {"Authorization": "Bearer nonsense"}
        assert Client().get("/v1/whoami", headers=headers).status_code == 401

    def limit(self) -> None:
        self.patch.setattr(limits, "LIMITS", {"read": Limit(1, 3600)})
        ask = calling_as("read", TenantFactory())
        assert [ask("GET", "/v1/whoami").status_code for _ in range(2)] == [200, 429]

    def count_tenants(self) -> None:
        TenantFactory()
        count_active_tenants()

    def tell_room(self) -> None:
        room.tell()
        assert 0 < samples("volume_free_ratio")[(("volume", "backups"),)] <= 1

    def sample(self) -> None:
        for minutes_ago in (2, 1):
            self.predict()
            self.ingest()
            at = timezone.now() - timedelta(minutes=minutes_ago)
            assert sampling.sample(registry=REGISTRY, at=at)

    def evaluate(self) -> None:
        self.sample()
        objectives.evaluate(at=timezone.now())


PERCENTILES = (metrics.INFERENCE_P95, metrics.INFERENCE_P99)
HAPPENINGS: dict[str, Callable[[Scene], None]] = {
    "inference_duration_seconds_count": Scene.predict,
    "inference_p95_latency_ms": Scene.evaluate,
    "inference_p99_latency_ms": Scene.evaluate,
    "window_build_duration_seconds_count": Scene.predict,
    "prediction_confidence_histogram_bucket": Scene.predict,
    "drift_score_gauge": Scene.look_for_drift,
    "drift_severity_gauge": Scene.look_for_drift,
    "device_ingest_rate": Scene.sample,
    "ingest_requests_total": Scene.ingest,
    "ingest_failures_total": Scene.ingest_nonsense,
    "db_commit_latency_seconds_count": Scene.ingest,
    "db_retry_total": Scene.retry,
    "overloaded_requests_total": Scene.overload,
    "in_flight_requests": Scene.overload,
    "db_circuit_open_total": Scene.open_circuit,
    "db_circuit_state": Scene.open_circuit,
    "db_circuit_failures": Scene.open_circuit,
    "db_circuit_opened_timestamp_seconds": Scene.open_circuit,
    "db_circuit_retry_timestamp_seconds": Scene.open_circuit,
    "redis_circuit_state": Scene.open_circuit,
    "redis_circuit_open_total": Scene.open_circuit,
    "redis_circuit_failures": Scene.open_circuit,
    "redis_circuit_opened_timestamp_seconds": Scene.open_circuit,
    "redis_circuit_retry_timestamp_seconds": Scene.open_circuit,
    "model_reload_success_total": Scene.load,
    "model_reload_failure_total": Scene.fail_to_load,
    "model_unavailable_total": Scene.predict_without_a_model,
    "error_total": Scene.ingest_nonsense,
    "auth_failures_total": Scene.refuse_a_token,
    "rate_limited_requests_total": Scene.limit,
    "active_tenant_count": Scene.count_tenants,
    "cache_hits_total": Scene.predict_twice,
    "database_size_bytes": Scene.tell_room,
    "volume_free_ratio": Scene.tell_room,
    "objective_value": Scene.evaluate,
    "objective_budget_spent": Scene.evaluate,
    "objectives_evaluated_timestamp_seconds": Scene.evaluate,
}


@pytest.fixture
def scene(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Scene:
    settings.MODELS_DIR = settings.SHIPPED_MODELS_DIR = tmp_path / "models"
    settings.MODELS_DIR.mkdir()
    settings.DB_RETRY_BASE_DELAY_SECONDS = 0.001
    serving.forget()
    serve()
    return Scene(settings, monkeypatch)


def samples(name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name
    }


@pytest.mark.parametrize("name", HAPPENINGS)
def test_a_metric_moves_when_what_it_is_about_happens(name: str, scene: Scene) -> None:
    # What another test left may be what this one finds.
    for gauge in (metrics.DATABASE_SIZE, *PERCENTILES):
        gauge.set(0)
    for gauge in (metrics.OBJECTIVE_VALUE, metrics.OBJECTIVE_BUDGET_SPENT):
        gauge.clear()
    metrics.VOLUME_FREE.labels(volume="backups").set(2)
    before = samples(name)

    HAPPENINGS[name](scene)

    moved = {labels for labels, value in samples(name).items() if before.get(labels) != value}
    assert moved


def test_a_batch_that_was_never_read_counts_as_sent_too(scene: Scene) -> None:
    before = samples("ingest_requests_total")

    scene.ingest_nonsense()

    after = samples("ingest_requests_total")
    unread = (("form", "unread"),)
    assert after[unread] == before.get(unread, 0) + 1


def test_no_label_is_an_id(scene: Scene) -> None:
    """The route is told by its pattern, or the numbers grow with every night there is."""
    night = scene.night()
    ask = calling_as("admin", night.tenant)
    for path in ("", "/epochs", "/predictions", "/hypnogram", "/nothing"):
        ask("GET", f"/v1/recordings/{night.uuid}{path}")
    scene.predict_twice()

    told = generate_latest(REGISTRY).decode()

    assert not UUID.search(told)
    assert night.tenant.slug not in told
    assert "/v1/recordings" not in told
