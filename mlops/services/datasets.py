"""Snapshots: asked for, built once from rows, verified, and withdrawn when a night is erased."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from mlops.datasets import LabelledNight, Leak, Part, Snapshot, packed, snapshot_of
from mlops.models import Dataset, DatasetNight
from mlops.services import dataset_files, dataset_nights, jobs
from mlops.services.criteria import Criteria
from mlops.services.dataset_nights import Found
from mlops.sources import COLUMNS
from noctis import errors
from recordings.models import Recording
from recordings.services import schemas
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor


class TooFewPeople(errors.Conflict):
    row = errors.registered(
        "too_few_people",
        409,
        "Nobody can be held out",
        "A model is judged by people that it was not fitted to, and the labelled nights are of "
        "too few.",
        "Label nights of more people, or name more sources of labels.",
    )


class NightsChanged(errors.Conflict):
    row = errors.registered(
        "nights_changed",
        409,
        "A night was erased meanwhile",
        "A night of the snapshot was asked to be erased while the snapshot was built.",
        "Build it again.",
    )


class SchemaNotTrained(errors.Conflict):
    row = errors.registered(
        "schema_not_trained",
        409,
        "Nights of the active schema cannot be trained on",
        "Models are fitted to the device's features, and another schema is active.",
        "`manage.py schema list` shows which.",
    )


def ask_for_dataset(
    *, tenant: Tenant, criteria: Criteria, actor: Actor, reason: str = ""
) -> Dataset:
    """Queue a snapshot; a worker builds it."""
    schema = schemas.active()
    if tuple(feature.name for feature in schema.features) != COLUMNS:
        raise SchemaNotTrained
    with transaction.atomic():
        dataset = Dataset.objects.create(
            tenant=tenant,
            scope=criteria.scope,
            schema_id=schema.id,
            criteria=criteria.as_json,
            label_sources=sorted(criteria.label_sources),
            **jobs.asked_by(actor=actor),
        )
        audit.record(
            actor=actor,
            tenant=tenant,
            action="dataset.create",
            subject=dataset,
            change=(None, {"scope": dataset.scope, "labels": ", ".join(dataset.label_sources)}),
            reason=reason,
        )
    return dataset


def build_dataset(*, dataset_id: int) -> Dataset | None:
    """Read the nights, write the file, then say so; done twice it is the same file."""
    dataset = jobs.claim_job(kind=Dataset, pk=dataset_id)
    if dataset is None:
        return None
    with jobs.failing(dataset):
        _build(dataset)
    return dataset


def _build(dataset: Dataset) -> None:
    criteria = Criteria.of(dataset.criteria)
    found = dataset_nights.find_nights(
        tenant=dataset.tenant,
        criteria=criteria,
        schema=dataset.schema,
        tell=lambda share, says: jobs.note_progress(job=dataset, progress=share, says=says),
    )
    snapshot = split_nights(
        nights=[one.night for one in found], criteria=criteria, schema=dataset.schema.version
    )
    raw = packed(snapshot)
    jobs.note_progress(job=dataset, progress=0.9, says=f"{len(raw):,} bytes to write")
    digest = dataset_files.keep_file(raw=raw)
    with transaction.atomic():
        members = _members(dataset, found, snapshot)
        _check_there(members)
        DatasetNight.objects.bulk_create(members)
        jobs.end_job(
            job=dataset,
            nights=len(snapshot.nights),
            fit_nights=len(snapshot.of(Part.FIT)),
            people=len({night.person for night in snapshot.nights}),
            epochs=sum(len(night.stages) for night in snapshot.nights),
            copies=len(snapshot.copies),
            stage_counts=snapshot.stage_counts,
            checksum=snapshot.checksum,
            file_sha256=digest,
            file_bytes=len(raw),
        )


def split_nights(*, nights: Sequence[LabelledNight], criteria: Criteria, schema: str) -> Snapshot:
    """Split by person, or say that there are too few."""
    try:
        return snapshot_of(nights, held_out=criteria.held_out, seed=criteria.seed, schema=schema)
    except Leak as leak:
        raise TooFewPeople(f"{len(nights)} labelled nights were found. {leak}") from None


def _members(dataset: Dataset, found: Sequence[Found], snapshot: Snapshot) -> list[DatasetNight]:
    by_name = {one.night.name: one for one in found}
    return [
        DatasetNight(
            dataset=dataset,
            night_tenant_id=by_name[night.name].recording.tenant_id,
            recording=by_name[night.name].recording,
            label_version=by_name[night.name].label_version,
            is_held_out=part == Part.HELD_OUT,
            epochs=len(night.stages),
        )
        for night, part in zip(snapshot.nights, snapshot.parts, strict=True)
    ]


def _check_there(members: Sequence[DatasetNight]) -> None:
    """An erasure that begins later finds the members, and waits for this commit to do so."""
    keys = [member.recording_id for member in members]
    there = Recording.objects.filter(pk__in=keys).exclude(status=Recording.Status.ERASING)
    if there.count() != len(keys):
        raise NightsChanged


@dataclass(frozen=True)
class Verified:
    """`rebuilt` is None where nobody asked, and says whether the rows give the same bytes."""

    nights: int
    checksum: str
    rebuilt: bool | None = None


def verify_dataset(*, dataset: Dataset, rebuild: bool = False) -> Verified:
    """Read the file, check bytes, content and split; on demand build it from its rows again."""
    snapshot = dataset_files.read_snapshot(dataset=dataset)
    snapshot.check()
    is_same = packed(_again(dataset)) == packed(snapshot) if rebuild else None
    return Verified(len(snapshot.nights), snapshot.checksum, is_same)


def _again(dataset: Dataset) -> Snapshot:
    """From the rows that it was made of, each on the side that it was on."""
    sides: dict[str, Part] = {}
    nights = []
    for member in dataset.members.select_related("recording__tenant"):
        night = dataset_nights.night_again(
            recording=member.recording, label_version=member.label_version, schema=dataset.schema
        )
        if night is not None:
            nights.append(night)
            sides[night.name] = Part.HELD_OUT if member.is_held_out else Part.FIT
    nights.sort(key=lambda night: (night.source, night.subject, night.name))
    return Snapshot(nights, [sides[night.name] for night in nights], dataset.schema.version)


def forget_night(*, recording: Recording) -> None:
    """Take an erased night out of every snapshot: the file goes at once, the row says so.

    Where the erasure is undone after that, it is tried again, and the row says so then."""
    members = DatasetNight.objects.filter(night_tenant=recording.tenant_id, recording=recording)
    held = Dataset.objects.filter(pk__in=members.values("dataset")).select_for_update()
    for dataset in held.order_by("pk"):
        dataset_files.remove_file(dataset=dataset)
        dataset.withdrawn_at = dataset.withdrawn_at or timezone.now()
        dataset.save(update_fields=["withdrawn_at"])
    members.delete()
