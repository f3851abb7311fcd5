"""From the bytes of a request to a good batch, or to a refusal that names every fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import msgspec

from noctis import errors
from noctis.errors import Problem
from recordings import batches, faults, refusals
from recordings.batches import DeviceBatch, EpochBatch, NotGood, SentBatch
from recordings.services.schemas import Spoken

Sent = TypeVar("Sent", SentBatch, DeviceBatch)
_BATCH = msgspec.json.Decoder(SentBatch)
_DEVICE = msgspec.json.Decoder(DeviceBatch)


@dataclass(frozen=True)
class Intake:
    recording_uuid: UUID
    batch: EpochBatch
    form: str


def read_batch(raw: bytes, spoken: Spoken) -> Intake:
    """A body of `/v1/epochs:ingest`, in any of its forms."""
    try:
        sent = _decoded(_BATCH, raw)
        if sent.version != spoken.version:
            raise refusals.FeatureSchemaMismatch(
                f"The active schema is {spoken.version}; nothing is padded, cut or reordered."
            )
        return Intake(uuid_of(sent.recording_id), *_batch_of(sent, spoken))
    except (msgspec.ValidationError, NotGood):
        body = msgspec.json.decode(raw)
        found = faults.in_batch(body, spoken.features, spoken.version)
        raise _refused(found, raw, SentBatch) from None


def _batch_of(sent: SentBatch, spoken: Spoken) -> tuple[EpochBatch, str]:
    if isinstance(sent.epochs, str):
        if not isinstance(sent.start_index, int):
            raise NotGood
        return batches.from_column(sent.epochs, sent.start_index, spoken.features), "column"
    if sent.start_index is not msgspec.UNSET or sent.feature_schema_version is not msgspec.UNSET:
        raise NotGood
    form = "packed" if isinstance(sent.epochs[0].features, str) else "list"
    return batches.from_list(sent.epochs, spoken.features), form


def read_device_batch(raw: bytes, spoken: Spoken) -> tuple[DeviceBatch, EpochBatch]:
    """A body of `/v1/epochs:ingest-device`."""
    try:
        sent = _decoded(_DEVICE, raw)
        return sent, batches.from_device(sent.epochs, spoken.features)
    except (msgspec.ValidationError, NotGood):
        found = faults.in_device_batch(msgspec.json.decode(raw), spoken.features)
        raise _refused(found, raw, DeviceBatch) from None


def _decoded(decoder: msgspec.json.Decoder[Sent], raw: bytes) -> Sent:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise errors.BadRequest("The body is not valid JSON.") from None


def uuid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        problem = Problem("/recording_id", "bad_uuid", "expected a UUID")
        raise errors.Invalid(problems=[problem]) from None


def _refused(
    found: Sequence[Problem], raw: bytes, kind: type[SentBatch] | type[DeviceBatch]
) -> errors.Invalid:
    """The named faults; where the naming finds none, what the typed decode says."""
    if found:
        return errors.Invalid(problems=list(found))
    try:
        msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        return errors.Invalid(problems=[Problem("", "invalid", str(error))])
    return errors.Invalid(
        problems=[Problem("/epochs", "invalid", "the epochs do not fit together")]
    )
