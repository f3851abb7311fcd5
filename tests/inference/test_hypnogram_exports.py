"""`manage.py export hypnograms`: a row for each revision, whole or since the last time."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from inference.models import Hypnogram
from inference.services import staging
from noctis.db.maintenance import maintenance
from recordings.models import Recording
from recordings.services import erasure
from recordings.stages import letters_of
from tenants.models import Tenant
from tests.factories import ACTOR, TenantFactory
from tests.inference.staged import closed, send, serve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]


@pytest.fixture
def tenant() -> Tenant:
    serve()
    return TenantFactory(slug="heron", timezone="Europe/Berlin")


def staged(tenant: Tenant, count: int = 30) -> Recording:
    night = closed(tenant, count=count)
    staging.stage_night(recording_id=night.pk)
    return night


def export(*words: str) -> str:
    out = io.StringIO()
    call_command("export", "hypnograms", *words, stdout=out)
    return out.getvalue()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_revision_of_each_tenants_nights_is_a_row(tenant: Tenant) -> None:
    night = staged(tenant)
    send(night, 4, first=30)
    staging.stage_night(recording_id=night.pk)
    staged(TenantFactory(slug="magpie"))

    ours, everybodys = rows(export("--tenant", "heron")), rows(export())

    kept = list(Hypnogram.objects.of(night).order_by("pk"))
    assert [row["stages"] for row in ours] == [letters_of(row.stages) for row in kept]
    assert [row["revision"] for row in ours] == ["0", "1"]
    assert {(row["model_version"], row["is_experimental"]) for row in ours} == {("test-1", "true")}
    assert ours[0]["total_sleep_time_min"] == str(kept[0].statistics["total_sleep_time_min"])
    assert ours[0]["deep_min"] == str(kept[0].statistics["minutes_by_stage"]["Deep"])
    assert [row["tenant"] for row in everybodys] == ["heron", "heron", "magpie"]


def test_a_night_that_could_not_be_staged_is_a_row_that_says_so(tenant: Tenant) -> None:
    staged(tenant, count=0)

    (row,) = (json.loads(line) for line in export("--format", "ndjson").splitlines())

    assert (row["disposition"], row["stages"]) == ("not_enough_epochs", "")
    assert (row["sleep_efficiency_pct"], row["mean_confidence"]) == (None, None)


def test_increments_bring_each_revision_once(tenant: Tenant, tmp_path: Path) -> None:
    night = staged(tenant)
    told = []
    for number in range(3):
        path = tmp_path / f"{number}.csv"
        export("--output", str(path), "--since-last")
        told.append([row["revision"] for row in rows(path.read_text())])
        if number == 0:
            send(night, 1, first=30)
            staging.stage_night(recording_id=night.pk)

    assert told == [["0"], ["1"], []]


def test_a_worker_whose_clock_is_behind_loses_no_revision(tenant: Tenant) -> None:
    night = staged(tenant)
    ahead = timezone.now() + timedelta(hours=1)
    with maintenance():
        Hypnogram.objects.update(staged_at=ahead)
    send(night, 1, first=30)

    second: Any = staging.stage_night(recording_id=night.pk)

    assert second.staged_at > ahead


def test_a_night_that_is_being_erased_is_in_no_export(tenant: Tenant) -> None:
    night = staged(tenant)
    erasure.erase_recording(tenant=tenant, recording_uuid=night.uuid, actor=ACTOR)

    assert rows(export()) == []
