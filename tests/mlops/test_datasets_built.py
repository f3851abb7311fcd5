"""Snapshots from rows: which nights, whose, the same bytes again, and what erasure takes away."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlops.models import Dataset, DatasetNight
from mlops.services import dataset_files, datasets, jobs
from mlops.services.criteria import Criteria
from mlops.services.dataset_files import SnapshotMissing
from recordings.models import LabelSet, Recording
from recordings.services import erasure
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as, codes
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.mlops.training_nights import people, scored_by_people
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]
pytestmark = pytest.mark.django_db


def built(tenant: Tenant, **criteria: object) -> Dataset:
    row = datasets.ask_for_dataset(tenant=tenant, criteria=Criteria(**criteria), actor=ACTOR)
    datasets.build_dataset(dataset_id=row.pk)
    row.refresh_from_db()
    return row


def test_the_same_rows_give_the_same_bytes(lab: Tenant) -> None:
    one, two = built(lab), built(lab)

    assert (one.status, one.nights, one.people) == ("done", 5, 5)
    assert one.file_sha256 == two.file_sha256 != ""
    assert one.checksum == two.checksum
    assert datasets.verify_dataset(dataset=one, rebuild=True).rebuilt is True


def test_its_nights_stand_in_rows_each_on_the_side_it_is_on_in_the_file(lab: Tenant) -> None:
    row = built(lab)

    snapshot = dataset_files.read_snapshot(dataset=row)
    sides = {str(one.recording.uuid): one.is_held_out for one in row.members.all()}
    in_file = zip(snapshot.nights, snapshot.parts, strict=True)
    assert sides == {night.name: bool(part) for night, part in in_file}
    assert row.fit_nights + row.held_out_nights == 5
    assert row.held_out_nights > 0


def test_a_simulators_labels_are_no_ground_truth_unless_asked_for_and_then_it_is_said(
    lab: Tenant,
) -> None:
    night = Recording.objects.owned_by(lab).first()
    labels = LabelSet.objects.owned_by(lab).filter(recording=night)
    labels.update(source="synthetic")

    usual, asked = built(lab), built(lab, label_sources=("human", "synthetic"))

    assert (usual.nights, usual.has_made_up_labels) == (4, False)
    assert (asked.nights, asked.has_made_up_labels) == (5, True)


def test_another_tenants_nights_are_in_none_but_the_platforms(lab: Tenant) -> None:
    other = TenantFactory()
    people(other, 2, seed=9)
    scored_by_people(other)

    own, whole = built(lab), built(PlatformFactory(), scope="platform")

    assert {one.night_tenant_id for one in own.members.all()} == {lab.pk}
    assert whole.nights == 7
    assert {one.night_tenant_id for one in whole.members.all()} == {lab.pk, other.pk}
    # Nobody is named in it: neither tenants nor, of two alike, one person for two.
    assert lab.slug.encode() not in dataset_files.read_file(dataset=whole)


def test_too_few_people_end_as_a_failure_that_says_so(lab: Tenant) -> None:
    device = Recording.objects.owned_by(lab).first().device

    row = built(lab, device=str(device.uuid))

    assert row.status == "failed"
    assert row.error.startswith("too_few_people: 1 labelled nights were found.")
    assert not row.members.exists()


def test_a_file_that_was_changed_or_is_gone_is_refused(lab: Tenant) -> None:
    row = built(lab)
    path = dataset_files.path_of(dataset=row)
    whole = path.read_bytes()

    path.write_bytes(whole[:-1] + b"x")
    with pytest.raises(SnapshotMissing, match="not what was written"):
        datasets.verify_dataset(dataset=row)
    path.unlink()
    with pytest.raises(SnapshotMissing, match="no such file"):
        datasets.verify_dataset(dataset=row)


def test_an_erased_night_takes_every_snapshot_of_it_away(lab: Tenant, datasets_dir: Path) -> None:
    row, again = built(lab), built(lab)
    night = row.members.first().recording
    job = erasure.erase_recording(tenant=lab, recording_uuid=night.uuid, actor=ACTOR)

    erasure.work_off(erasure_id=job.pk, actor=ACTOR)

    for one in (row, again):
        one.refresh_from_db()
        assert one.withdrawn_at is not None
        assert one.members.count() == 4
    assert list(datasets_dir.glob("*.npz")) == []
    with pytest.raises(SnapshotMissing, match="erased"):
        datasets.verify_dataset(dataset=row)
    assert Dataset.objects.usable().count() == 0


def test_a_night_whose_erasure_began_meanwhile_is_in_no_snapshot(
    lab: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for after it was read, before the rows are kept."""
    keep = dataset_files.keep_file

    def erase_first(*, raw: bytes) -> str:
        night = Recording.objects.owned_by(lab).first()
        erasure.erase_recording(tenant=lab, recording_uuid=night.uuid, actor=ACTOR)
        return keep(raw=raw)

    monkeypatch.setattr(dataset_files, "keep_file", erase_first)

    row = built(lab)

    assert (row.status, row.error[:14]) == ("failed", "nights_changed")
    assert not DatasetNight.objects.exists()


def test_a_worker_that_died_is_followed_by_another_and_the_third_is_the_last(lab: Tenant) -> None:
    row = datasets.ask_for_dataset(tenant=lab, criteria=Criteria(), actor=ACTOR)
    for tries in (1, 2, 3):
        claimed = jobs.claim_job(kind=Dataset, pk=row.pk)
        assert claimed is not None
        assert claimed.tries == tries
        assert jobs.claim_job(kind=Dataset, pk=row.pk) is None  # it is held
        Dataset.objects.filter(pk=row.pk).update(held_until=row.created_at)

    assert datasets.build_dataset(dataset_id=row.pk) is None

    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "Its worker died 3 times.")


def test_a_worker_that_comes_back_late_writes_nothing(lab: Tenant) -> None:
    row = datasets.ask_for_dataset(tenant=lab, criteria=Criteria(), actor=ACTOR)
    late = jobs.claim_job(kind=Dataset, pk=row.pk)
    Dataset.objects.filter(pk=row.pk).update(held_until=row.created_at)
    datasets.build_dataset(dataset_id=row.pk)

    assert late is not None
    with pytest.raises(jobs.LostClaim):
        jobs.note_progress(job=late, progress=0.5)
    with pytest.raises(jobs.LostClaim):
        jobs.fail_job(job=late, error="late")

    row.refresh_from_db()
    assert (row.status, row.tries) == ("done", 2)


def asked_of(tenant: Tenant, role: str = "ml_ops") -> Calling:
    return calling_as(role, tenant)


def test_the_api_takes_an_order_and_tells_of_it(lab: Tenant) -> None:
    call = asked_of(lab)

    made = call("POST", "/v1/datasets", {"label_sources": ["human"], "held_out": 0.4})

    assert made.status_code == 202, made.content
    path = made.headers["Location"]
    assert call("GET", path).json()["status"] == "queued"
    datasets.build_dataset(dataset_id=Dataset.objects.get().pk)
    told = call("GET", path).json()
    assert (told["status"], told["nights"], told["criteria"]["held_out"]) == ("done", 5, 0.4)
    nights = call("GET", f"{path}/nights?limit=2").json()
    assert len(nights["items"]) == 2
    assert nights["next"] is not None
    assert AuditEntry.objects.filter(tenant=lab, action="dataset.create").count() == 1


def test_the_api_names_what_is_wrong(lab: Tenant) -> None:
    body = {"label_sources": ["guess"], "held_out": 2, "from": "soon", "speed": 1}

    answer = asked_of(lab)("POST", "/v1/datasets", body)

    assert answer.status_code == 422
    found = {pointer for pointer, _ in codes(answer)}
    assert found >= {"/label_sources/0", "/held_out", "/from", "/speed"}
    assert not Dataset.objects.exists()


def test_readers_read_and_only_the_platforms_people_ask_for_everybodys(lab: Tenant) -> None:
    built(lab)
    platform = PlatformFactory()

    assert asked_of(lab, "read")("GET", "/v1/datasets").json()["items"][0]["nights"] == 5
    assert asked_of(lab, "read")("POST", "/v1/datasets", {}).status_code == 403
    assert asked_of(TenantFactory())("GET", "/v1/datasets").json()["items"] == []
    wide = {"scope": "platform"}
    assert asked_of(lab, "admin")("POST", "/v1/datasets", wide).status_code == 403
    assert asked_of(platform, "ml_ops")("POST", "/v1/datasets", wide).status_code == 202


def test_the_platforms_readers_are_told_no_other_tenants_nights(lab: Tenant) -> None:
    platform = PlatformFactory()
    row = built(platform, scope="platform")

    answer = asked_of(platform, "admin")("GET", f"/v1/datasets/{row.uuid}/nights")

    assert row.nights == 5
    assert answer.json()["items"] == []


def test_the_list_costs_the_same_for_many(lab: Tenant) -> None:
    call, counts = asked_of(lab, "read"), []
    call("GET", "/v1/datasets")  # the key is remembered from now on
    for _ in range(2):
        built(lab)
        built(lab)
        with CaptureQueriesContext(connection) as asked:
            call("GET", "/v1/datasets")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def command(*words: str) -> object:
    said = StringIO()
    call_command("dataset", *words, "--json", stdout=said)
    return json.loads(said.getvalue())


def test_the_command_builds_lists_shows_and_verifies(lab: Tenant) -> None:
    named = ("--tenant", lab.slug)

    made = command("build", *named, "--split-seed", "3")

    assert command("list", *named)[0]["id"] == made["id"]
    assert command("show", *named, made["id"])["checksum"] == made["checksum"]
    told = command("verify", *named, made["id"], "--rebuild")
    assert (told["nights"], told["rebuilt"]) == (5, "the same bytes")
    with pytest.raises(CommandError, match="platform tenant's"):
        command("build", *named, "--platform-wide")
    with pytest.raises(CommandError, match="too_few_people"):
        command("build", *named, "--label-source", "psg")
