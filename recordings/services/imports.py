"""Nights come in from a file that was found good as a whole: all of it in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction

from devices.models import Device
from noctis import errors
from noctis.errors import Problem
from recordings.models import Recording
from recordings.services import epochs, labels, nights
from recordings.services.epochs import Source
from recordings.services.labels import Scoring
from recordings.services.nights import Night
from recordings.services.schemas import Spoken
from recordings.sheets import SheetNight


@dataclass(frozen=True)
class Destination:
    """Where the nights go, and whose the stages are, if the file has any."""

    device: Device
    timezone: str | None = None
    source: str = ""
    scorer: str = ""


@dataclass
class Imported:
    """What became of a file."""

    nights: int = 0
    nights_opened: int = 0
    epochs: int = 0
    inserted: int = 0
    duplicates: int = 0
    label_versions: int = 0


def import_nights(
    *,
    to: Destination,
    sheet: Sequence[SheetNight],
    schema: Spoken,
    tell: Callable[[str], None],
    is_rehearsal: bool = False,
) -> Imported:
    """Add every night of a file, or none. Safe to repeat; a rehearsal does it all and undoes it."""
    done = Imported()
    with transaction.atomic():
        found = [_opened(to, night, done) for night in sheet]
        # All of them before the device's row, which ingest takes after a recording's: no deadlock.
        keys = [recording.pk for recording, _ in found]
        list(Recording.objects.filter(pk__in=keys).order_by("pk").select_for_update())
        for number, (night, (recording, is_new)) in enumerate(zip(sheet, found, strict=True), 1):
            _add(to, night, recording, schema, done)
            if is_new:
                nights.close_recording(recording=recording, ended_at=None)
            tell(f"night {number} of {len(sheet)}: {len(night.lines)} epochs")
        transaction.set_rollback(is_rehearsal)
    return done


def _opened(to: Destination, night: SheetNight, done: Imported) -> tuple[Recording, bool]:
    """The recording of a night, and whether this import opened it and so has to close it."""
    wanted = Night(night.started_at, to.timezone, night.subject)
    try:
        recording = nights.find_or_open(device=to.device, night=wanted)
    except errors.Refusal as refusal:
        raise _at_lines(refusal, night) from None
    if night.subject not in ("", recording.subject):
        detail = "the recording that starts then is another subject's"
        raise errors.Conflict(problems=[Problem(_first(night), "conflict", detail)])
    is_new = recording.epoch_count == 0 and recording.status == Recording.Status.OPEN
    done.nights += 1
    done.nights_opened += is_new
    return recording, is_new


def _add(
    to: Destination, night: SheetNight, recording: Recording, schema: Spoken, done: Imported
) -> None:
    batch = night.batch(schema.features)
    source = Source(to.device.tenant, recording.uuid)
    try:
        appended = epochs.append_epochs(source=source, schema_id=schema.id, batch=batch)
    except errors.Refusal as refusal:
        raise _at_lines(refusal, night) from None
    done.epochs += appended.received
    done.inserted += appended.inserted
    done.duplicates += appended.duplicates
    if to.scorer and any(code >= 0 for code in night.stages):
        scoring = Scoring(to.scorer, to.source, night.scored)
        _, is_version = labels.add_labels(recording=recording, scoring=scoring)
        nights.keep(recording=recording)
        done.label_versions += is_version


def _at_lines(refusal: errors.Refusal, night: SheetNight) -> errors.Refusal:
    """The same refusal, in the file's terms."""
    problems = [
        Problem(f"line {night.lines.get(problem.epoch_index or 0)}", problem.code, problem.detail)
        for problem in refusal.problems
    ]
    whole = Problem(_first(night), refusal.row.code, refusal.detail)
    return type(refusal)(problems=problems or [whole])


def _first(night: SheetNight) -> str:
    return f"line {min(night.lines.values())}"
