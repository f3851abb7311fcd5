"""A night of noise: staged, marked wherever it is shown, and as unsure as can be."""

import csv
import io
from typing import Any

import numpy as np
import pytest

from inference.bodies import remarks
from inference.models import Hypnogram, Prediction
from inference.services import staging
from mlops.simulator.nights import simulate
from recordings import batches
from recordings.models import Epoch, Recording
from recordings.services import epochs, schemas
from recordings.services.epochs import Source
from tenants.models import Tenant
from tests.calling import calling_as
from tests.factories import TenantFactory
from tests.inference import noise
from tests.inference.asking import Asking
from tests.inference.staged import close, opened, serve
from tests.recordings.nights import SCHEMA, packed
from tests.tenants.households import as_, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]


@pytest.fixture
def tenant() -> Tenant:
    serve()
    return TenantFactory(slug="heron")


def night_of(tenant: Tenant, features: np.ndarray) -> Recording:
    night = opened(tenant)
    schemas.forget_active()
    batch = batches.from_column(packed(features), 0, SCHEMA)
    source = Source(night.tenant, night.uuid)
    epochs.append_epochs(source=source, schema_id=schemas.active().id, batch=batch)
    night.refresh_from_db()
    return close(night)


def sleepers(seed: int = 1) -> np.ndarray:
    return next(simulate([(seed,)])).features[:400]


def stage(night: Recording) -> Hypnogram:
    found = staging.stage_night(recording_id=night.pk)
    assert found is not None
    night.refresh_from_db()
    return Hypnogram.objects.get(pk=found.pk)


@pytest.fixture
def noisy(tenant: Tenant) -> Recording:
    night = night_of(tenant, noise.uniform(240, np.random.default_rng(1)))
    stage(night)
    return night


def row_of(night: Recording) -> Hypnogram:
    found: Hypnogram = Hypnogram.objects.get(recording=night)
    return found


def test_noise_is_staged_and_marked_and_a_sleeper_is_not(tenant: Tenant, noisy: Recording) -> None:
    real = stage(night_of(tenant, sleepers()))

    assert row_of(noisy).disposition == "implausible"
    assert (real.disposition, noisy.status) == ("staged", "staged")
    assert abs(row_of(noisy).continuity) < 0.2 < 0.5 < real.continuity
    assert real.astray < 0.05 < 0.2 < row_of(noisy).astray


def test_noise_is_staged_as_if_every_stage_were_as_likely(noisy: Recording) -> None:
    row = row_of(noisy)

    assert len(set(row.stages)) > 1
    assert set(row.confidences) == {0.25}
    assert row.mean_confidence == 0.25


def test_the_log_says_the_same_and_so_does_whoever_asks(noisy: Recording) -> None:
    asked = Asking(noisy)("all").json()["predictions"]

    logged = Prediction.objects.filter(recording_id=noisy.pk).order_by("epoch_index")
    assert [row.confidence for row in logged] == row_of(noisy).confidences
    assert [one["confidence"] for one in asked] == pytest.approx(row_of(noisy).confidences)
    assert all(set(one["probabilities"].values()) == {0.25} for one in asked)
    assert all(one["cached"] for one in asked)


def test_the_api_says_so_of_the_night_and_of_its_summary(noisy: Recording) -> None:
    reader = calling_as("read", noisy.tenant)
    row = row_of(noisy)

    for what in ("hypnogram", "summary"):
        body = reader("GET", f"/v1/recordings/{noisy.uuid}/{what}").json()
        assert body["disposition"] == "implausible"
        assert body["plausibility"] == {"continuity": row.continuity, "astray": row.astray}
        assert body["note"].startswith(remarks.IMPLAUSIBLE)
        assert remarks.TYPICAL_ERROR in body["note"]


def test_its_files_say_so(noisy: Recording) -> None:
    reader, path = calling_as("read", noisy.tenant), f"/v1/recordings/{noisy.uuid}/hypnogram"

    sheet = reader("GET", path, accept="text/csv").content.decode()
    edf = reader("GET", path, accept="application/edf").content

    assert {row["disposition"] for row in csv.DictReader(io.StringIO(sheet))} == {"implausible"}
    assert b"experimental implausible" in edf[:256]


def test_its_page_and_its_report_lead_with_it(noisy: Recording) -> None:
    browser = as_("tenant_viewer", noisy.tenant)

    for kind in ("change", "report"):
        page = text(browser.get(f"/console/recordings/recording/{noisy.uuid}/{kind}/"))
        assert "these numbers do not behave as a sleeper" in page
        assert f"continuity {row_of(noisy).continuity:.2f}" in page
    listed = text(browser.get("/console/inference/hypnogram/?disposition=implausible"))
    shown = text(browser.get(f"/console/inference/hypnogram/{row_of(noisy).pk}/change/"))
    assert 'class="pill is-implausible"' in listed
    assert "these numbers do not behave as a sleeper" in shown


def test_of_a_sleeper_nothing_of_the_kind_is_said(tenant: Tenant) -> None:
    night = night_of(tenant, sleepers())
    stage(night)

    body = calling_as("read", tenant)("GET", f"/v1/recordings/{night.uuid}/hypnogram").json()
    page = text(
        as_("tenant_viewer", tenant).get(f"/console/recordings/recording/{night.uuid}/change/")
    )

    assert "Implausible" not in body["note"] + page
    assert body["note"] == f"{remarks.ELSEWHERE} {remarks.TYPICAL_ERROR}"


def test_fewer_epochs_never_supersede_noise(tenant: Tenant, noisy: Recording) -> None:
    before = row_of(noisy)
    Epoch.objects.filter(recording_id=noisy.pk, epoch_index__gte=100).delete()
    Recording.objects.filter(pk=noisy.pk).update(status="closed")

    again = staging.stage_night(recording_id=noisy.pk)

    assert again is not None
    assert again.pk == before.pk


def test_observers_hear_of_noise_too(tenant: Tenant, monkeypatch: Any) -> None:
    """A sensor that went mad is drift; whoever looks for that must see its nights."""
    told: list[int] = []
    monkeypatch.setattr(staging, "_observers", [lambda night: told.append(night.recording.pk)])
    night = night_of(tenant, noise.gaussian(240, np.random.default_rng(2)))

    stage(night)

    assert told == [night.pk]
