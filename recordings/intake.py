"""From the bytes of a request to a good batch, or to a refusal that names every fault."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from noctis import errors
from noctis.errors import Problem
from recordings import batches, faults, refusals
from recordings.batches import DeviceBatch, EpochBatch, NotGood, SentBatch
from recordings.services.schemas import Spoken

_BATCH = msgspec.json.Decoder(SentBatch)
_DEVICE = msgspec.json.Decoder(DeviceBatch)
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# The typed decode stops at the first fault, which may stand before what makes a body no JSON.
BAD = (*NOT_JSON, NotGood)


@dataclass(frozen=True)
class Intake:
    recording_uuid: UUID
    batch: EpochBatch
    form: str


def read_batch(raw: bytes, spoken: Spoken) -> Intake:
    """A body of `/v1/epochs:ingest`, in any of its forms."""
    try:
        sent = _BATCH.decode(raw)
        if sent.version != spoken.version:
            raise _mismatch(sent, spoken)
        return Intake(sent.recording_id, *batch_of(sent, spoken))
    except BAD as error:
        found = faults.in_batch(plain(raw, error), spoken.features, spoken.version)
        raise errors.Invalid(problems=found) from None


def batch_of(sent: SentBatch, spoken: Spoken) -> tuple[EpochBatch, str]:
    """The epochs in whichever form they were sent, and which one it was; or `NotGood`."""
    if isinstance(sent.epochs, str):
        if not isinstance(sent.start_index, int):
            raise NotGood
        return batches.from_column(sent.epochs, sent.start_index, spoken.features), "column"
    if sent.start_index is not msgspec.UNSET or sent.feature_schema_version is not msgspec.UNSET:
        raise NotGood
    form = "packed" if isinstance(sent.epochs[0].features, str) else "list"
    return batches.from_list(sent.epochs, spoken.features), form


def _mismatch(sent: SentBatch, spoken: Spoken) -> refusals.FeatureSchemaMismatch:
    at = "" if isinstance(sent.epochs, str) else "/epochs/0"
    detail = f"The active schema is {spoken.version}; nothing is padded, cut or reordered."
    problem = Problem(f"{at}/feature_schema_version", "feature_schema_mismatch", detail)
    return refusals.FeatureSchemaMismatch(detail, problems=[problem])


def read_device_batch(raw: bytes, spoken: Spoken) -> tuple[DeviceBatch, EpochBatch]:
    """A body of `/v1/epochs:ingest-device`."""
    try:
        sent = _DEVICE.decode(raw)
        return sent, batches.from_device(sent.epochs, spoken.features)
    except BAD as error:
        found = faults.in_device_batch(plain(raw, error), spoken.features)
        raise errors.Invalid(problems=found) from None


def plain(raw: bytes, error: Exception) -> object:
    """The body as plain JSON, to name the faults in."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        # JSON, but with a number that no float holds: only the typed decode got anywhere.
        raise errors.Invalid(problems=[_first_fault(error)]) from None
    except NOT_JSON:
        raise errors.BadRequest("The body is not valid JSON.") from None


def _first_fault(error: Exception) -> Problem:
    """What the typed decode says: `Number out of range - at `$.epochs[0].features[3]``."""
    detail, _, path = str(error).partition(" - at `$")
    steps = path.rstrip("`").replace("[...]", "").replace("]", "")
    return Problem(steps.replace("[", "/").replace(".", "/"), "invalid", detail)
