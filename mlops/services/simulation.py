"""Simulated nights become rows, by the way that a device's go: for demo and load only.

Every one of them is marked: its subject, its scorer and its labels' source are called synthetic."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from devices.models import Device
from mlops.simulator.mishaps import Mishaps
from mlops.simulator.nights import SimulatedNight, simulate
from mlops.simulator.tables import FEATURES
from noctis import errors
from recordings import batches
from recordings.batches import EpochBatch
from recordings.models import LabelSet, Recording
from recordings.services import epochs, labels, nights, schemas
from recordings.services.epochs import Source
from recordings.services.labels import Scoring
from recordings.services.nights import Night
from recordings.stages import SHOWN, code_of

SYNTHETIC = "synthetic-"
SCORER = "synthetic-simulator"
CODES = np.array([code_of(name) for name in SHOWN], np.int8)
# Sleepers go to bed from then on, by their own clock, within the next two and a half hours.
EARLIEST_BED = timedelta(hours=21, minutes=45)
BED_WITHIN_MINUTES = 150


class SchemaNotSimulated(errors.Conflict):
    row = errors.registered(
        "schema_not_simulated",
        409,
        "Nights of the active schema cannot be simulated",
        "The simulator makes the features of the device, and another schema is active.",
        "`manage.py schema list` shows which.",
    )


class NotSynthetic(errors.Conflict):
    row = errors.registered(
        "not_synthetic",
        409,
        "A real night is there",
        "A recording of the device starts then whose subject is not a synthetic one.",
        "Simulate on a device of its own.",
    )


@dataclass(frozen=True)
class Plan:
    """The nights of one device that end with the evening of `end_on`; the same for a seed."""

    device: Device
    nights: int
    end_on: date
    seed: int
    is_labelled: bool = False
    mishaps: Mishaps = field(default_factory=Mishaps)

    @property
    def evenings(self) -> dict[int, date]:
        """By the night's place; those that the device was away for are none."""
        first = self.end_on - timedelta(days=self.nights - 1)
        places = (place for place in range(self.nights) if place not in self.mishaps.away)
        return {place: first + timedelta(days=place) for place in places}

    @property
    def sleeper(self) -> int:
        return zlib.crc32(f"{self.device.tenant.slug}/{self.device.external_id}".encode())

    @property
    def subject(self) -> str:
        return f"{SYNTHETIC}{self.sleeper:08x}"


@dataclass
class Simulated:
    """What became of a plan."""

    nights: int = 0
    nights_opened: int = 0
    epochs: int = 0
    inserted: int = 0
    duplicates: int = 0
    label_versions: int = 0


def simulate_nights(*, plan: Plan, tell: Callable[[str], None]) -> Simulated:
    """Keep and close each night of a plan, one transaction each. Safe to repeat and to go on."""
    spoken = schemas.active()
    if tuple(feature.name for feature in spoken.features) != FEATURES:
        raise SchemaNotSimulated
    done = Simulated()
    for evening, night in _made(plan):
        with transaction.atomic():
            recording = _opened(plan, evening, done)
            _add(plan, recording, spoken.id, night, done)
            nights.close_recording(recording=recording, ended_at=None)
        tell(f"night {done.nights} of {len(plan.evenings)}: {evening}, {len(night.stages)} epochs")
    return done


def _made(plan: Plan) -> Iterator[tuple[date, SimulatedNight]]:
    seeds = [(plan.seed, plan.sleeper, evening.toordinal()) for evening in plan.evenings.values()]
    for (place, evening), night in zip(plan.evenings.items(), simulate(seeds), strict=True):
        yield (
            evening,
            replace(night, features=plan.mishaps.happen_to(night.features, place)),
        )


def _opened(plan: Plan, evening: date, done: Simulated) -> Recording:
    wanted = Night(_bedtime(plan, evening), subject=plan.subject)
    recording = nights.find_or_open(device=plan.device, night=wanted)
    if recording.subject != plan.subject:
        raise NotSynthetic
    done.nights += 1
    done.nights_opened += recording.epoch_count == 0
    return recording


def _bedtime(plan: Plan, evening: date) -> datetime:
    chance = np.random.default_rng((plan.seed, plan.sleeper, evening.toordinal(), 1)).random()
    zone = ZoneInfo(plan.device.tenant.timezone)
    local = datetime.combine(evening, datetime.min.time(), zone) + EARLIEST_BED
    return (local + timedelta(minutes=int(BED_WITHIN_MINUTES * chance))).astimezone(UTC)


def _add(
    plan: Plan, recording: Recording, schema_id: int, night: SimulatedNight, done: Simulated
) -> None:
    """What a dropout swallowed is not sent, as a device that was off does not send it."""
    is_sent = ~np.isnan(night.features).all(axis=1)
    index = np.flatnonzero(is_sent).astype(np.int32)
    features = batches.canonical(night.features[is_sent])
    batch = EpochBatch(index, features, None, len(index), batches.checksum_of(features))
    source = Source(plan.device.tenant, recording.uuid)
    appended = epochs.append_epochs(source=source, schema_id=schema_id, batch=batch)
    done.epochs += appended.received
    done.inserted += appended.inserted
    done.duplicates += appended.duplicates
    if plan.is_labelled:
        truth: Sequence[int] = CODES[night.stages].tolist()
        scoring = Scoring(SCORER, LabelSet.Source.SYNTHETIC, list(truth))
        _, is_version = labels.add_labels(recording=recording, scoring=scoring)
        done.label_versions += is_version
