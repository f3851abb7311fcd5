"""Scored nights of others become rows of a tenant, by the way that a device's go; exempt from
retention, for what is labelled is kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from devices.models import Device
from mlops.services.people import IMPORTED
from mlops.sources import COLUMNS, SourceNight
from noctis import errors
from recordings import batches
from recordings.batches import EpochBatch
from recordings.models import LabelSet, Recording
from recordings.services import epochs, labels, nights, schemas
from recordings.services.epochs import Source
from recordings.services.labels import Scoring
from recordings.services.nights import Night

# The sources say no dates that mean anything: nights get evenings that retention still takes in.
EVENING = timedelta(hours=22)
DAYS_BACK = 60


class SchemaNotDevices(errors.Conflict):
    row = errors.registered(
        "schema_not_device",
        409,
        "Nights of the active schema cannot be imported",
        "Sources are read as the device's features, and another schema is active.",
        "`manage.py schema list` shows which.",
    )


@dataclass
class NightsImported:
    """What became of a folder."""

    nights: int = 0
    nights_opened: int = 0
    epochs: int = 0
    inserted: int = 0
    label_versions: int = 0


def import_nights(
    *, device: Device, source: Sequence[SourceNight], tell: Callable[[str], None]
) -> NightsImported:
    """Keep each night with its labels, one transaction each. Safe to repeat and to go on."""
    spoken = schemas.active()
    if tuple(feature.name for feature in spoken.features) != COLUMNS:
        raise SchemaNotDevices
    done = NightsImported()
    for number, (night, place) in enumerate(_numbered(source), start=1):
        with transaction.atomic():
            recording = _recording_of(device, night, place)
            done.nights += 1
            if recording.epoch_count == 0:
                done.nights_opened += 1
                done.inserted += _append(device, recording, spoken.id, night)
                nights.close_recording(recording=recording, ended_at=None)
            done.epochs += len(night)
            done.label_versions += _label(recording, night)
        tell(f"night {number} of {len(source)}: {night.source}/{night.name}")
    return done


def _numbered(source: Sequence[SourceNight]) -> Iterator[tuple[SourceNight, int]]:
    """Each night with how many of its subject's came before it."""
    seen: dict[str, int] = {}
    for night in source:
        place = seen.get(night.subject, 0)
        seen[night.subject] = place + 1
        yield night, place


def _recording_of(device: Device, night: SourceNight, place: int) -> Recording:
    """The subject's recording at that place on this device, or a new one on a free evening."""
    pseudonym = _pseudonym(night)
    mine = Recording.objects.owned_by(device.tenant).filter(device=device)
    # In the order in which they came: on another day later ones get later evenings.
    known = mine.filter(subject=pseudonym).order_by("pk")[place : place + 1]
    found: Recording | None = known.first()
    if found is not None:
        return found
    wanted = Night(_free_evening(set(mine.values_list("started_at", flat=True))), "UTC", pseudonym)
    return nights.find_or_open(device=device, night=wanted)


def _pseudonym(night: SourceNight) -> str:
    return f"{night.source}-{night.subject}"[:64]


def _free_evening(taken: set[datetime]) -> datetime:
    """The latest that no night of the device has; a second later where all are taken."""
    today = datetime.combine(timezone.now().date(), datetime.min.time(), UTC)
    at = today - timedelta(days=1) + EVENING
    tries = 0
    while at in taken:
        tries += 1
        back, later = tries % DAYS_BACK, tries // DAYS_BACK
        at = today - timedelta(days=1 + back) + EVENING + timedelta(seconds=later)
    return at


def _append(device: Device, recording: Recording, schema_id: int, night: SourceNight) -> int:
    is_known = ~np.isnan(night.features).all(axis=1)
    index = np.flatnonzero(is_known).astype(np.int32)
    features = batches.canonical(night.features[is_known])
    batch = EpochBatch(index, features, None, len(index), batches.checksum_of(features))
    source = Source(device.tenant, recording.uuid)
    return epochs.append_epochs(source=source, schema_id=schema_id, batch=batch).inserted


def _label(recording: Recording, night: SourceNight) -> bool:
    if not (night.codes >= 0).any():
        return False
    stages: list[int] = night.codes.tolist()
    scoring = Scoring(f"{night.source}{IMPORTED}", LabelSet.Source.PSG, stages)
    _, is_version = labels.add_labels(recording=recording, scoring=scoring)
    nights.keep(recording=recording)
    return is_version
