"""A batch of epochs, from what was sent to arrays: one typed decode, a few passes of numpy. Pure.

Here a batch is only found good or not good; what is wrong with it is named by `recordings.faults`,
so that a good batch never pays for the naming.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from recordings.grid import EPOCH_S, MAX_EPOCHS, TOLERANCE_S
from recordings.schemas import Feature

Row = list[float | None] | dict[str, float | None] | str
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
MAX_BATCH = 2_880


class NotGood(Exception):
    """Something is wrong with the batch; `faults` says what."""


class SentEpoch(msgspec.Struct, forbid_unknown_fields=True):
    epoch_index: int
    epoch_start_ts: Instant
    feature_schema_version: str
    features: Row


class SentBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A list of epochs, or consecutive ones in one packed column."""

    recording_id: str
    epochs: list[SentEpoch] | str
    feature_schema_version: str | UnsetType = UNSET
    start_index: int | UnsetType = UNSET

    @property
    def version(self) -> str:
        """The one schema version that the batch speaks."""
        if isinstance(self.epochs, str):
            return str(self.feature_schema_version)
        versions = {epoch.feature_schema_version for epoch in self.epochs}
        if len(versions) != 1:
            raise NotGood
        return versions.pop()


class MeasuredEpoch(msgspec.Struct, forbid_unknown_fields=True):
    epoch_index: int
    epoch_start_ts: Instant
    metrics: Row


class DeviceBatch(msgspec.Struct, forbid_unknown_fields=True):
    """From a device that knows no ids; it speaks the active schema."""

    device_external_id: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    epochs: list[MeasuredEpoch]
    device_name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)] | None = None
    recording_id: str | None = None
    recording_started_at: Instant | None = None
    timezone: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@dataclass(frozen=True)
class EpochBatch:
    """Epochs of one recording and one schema in index order, each index once."""

    index: NDArray[np.int32]  # (epochs,)
    features: NDArray[np.float32]  # (epochs, features), NaN for a gap
    start_s: NDArray[np.float64] | None  # (epochs,) the device's clock; None: it said nothing
    received: int  # epochs sent, repeated ones included
    checksum: str  # CRC-32 of the float32 bytes as sent, in index order

    def __len__(self) -> int:
        return len(self.index)

    def off_grid(self, started_s: float) -> NDArray[np.int32]:
        """The indices whose clock is further from the grid than a device's clock may be."""
        if self.start_s is None:
            return self.index[:0]
        grid = started_s + EPOCH_S * self.index.astype(np.float64)
        far = np.abs(self.start_s - grid) > TOLERANCE_S
        return self.index[far]


def from_list(sent: list[SentEpoch], schema: Sequence[Feature]) -> EpochBatch:
    return assembled(
        [epoch.epoch_index for epoch in sent],
        [epoch.features for epoch in sent],
        [epoch.epoch_start_ts.timestamp() for epoch in sent],
        schema,
    )


def from_device(sent: list[MeasuredEpoch], schema: Sequence[Feature]) -> EpochBatch:
    return assembled(
        [epoch.epoch_index for epoch in sent],
        [epoch.metrics for epoch in sent],
        [epoch.epoch_start_ts.timestamp() for epoch in sent],
        schema,
    )


def from_column(packed: str, start_index: int, schema: Sequence[Feature]) -> EpochBatch:
    """(epochs x features) little-endian float32 in base64, from `start_index` on."""
    raw = unpacked(packed)
    count, rest = divmod(len(raw), 4 * len(schema))
    if rest or not 0 <= start_index <= MAX_EPOCHS - count:
        raise NotGood
    index = np.arange(start_index, start_index + count, dtype=np.int32)
    matrix = np.frombuffer(raw, "<f4").reshape(count, len(schema))
    return _checked(index, matrix, None, schema)


def assembled(
    indices: list[int], rows: Sequence[Row], start_s: list[float], schema: Sequence[Feature]
) -> EpochBatch:
    if not indices or min(indices) < 0 or max(indices) >= MAX_EPOCHS:
        raise NotGood
    index, matrix = np.array(indices, np.int32), matrix_of(rows, schema)
    clock = np.array(start_s, np.float64)
    if np.all(index[1:] > index[:-1]):
        return _checked(index, matrix, clock, schema)
    order = np.argsort(index, kind="stable")
    return _without_repeats(_checked(index[order], matrix[order], clock[order], schema))


def _checked(
    index: NDArray[np.int32],
    matrix: NDArray[np.float32],
    start_s: NDArray[np.float64] | None,
    schema: Sequence[Feature],
) -> EpochBatch:
    if not 1 <= len(index) <= MAX_BATCH:
        raise NotGood
    low, high = limits(schema)
    is_gap = np.isnan(matrix)
    if not np.all(is_gap | ((matrix >= low) & (matrix <= high) & np.isfinite(matrix))):
        raise NotGood
    checksum = f"{zlib.crc32(matrix.tobytes()):08x}"
    # One spelling of a gap, so that equal epochs are equal bytes.
    features = np.where(is_gap, np.float32(np.nan), matrix)
    return EpochBatch(index, features, start_s, len(index), checksum)


def _without_repeats(batch: EpochBatch) -> EpochBatch:
    """An epoch sent twice in one batch counts as a duplicate, unless the two differ."""
    is_first = np.append(True, batch.index[1:] != batch.index[:-1])
    if is_first.all():
        return batch
    first_of = np.maximum.accumulate(np.where(is_first, np.arange(len(batch)), 0))
    bits = batch.features.view(np.uint32)
    if not np.array_equal(bits, bits[first_of]):
        raise NotGood
    kept = batch.features[is_first]
    clock = None if batch.start_s is None else batch.start_s[is_first]
    checksum = f"{zlib.crc32(kept.tobytes()):08x}"
    return EpochBatch(batch.index[is_first], kept, clock, batch.received, checksum)


def matrix_of(rows: Sequence[Row], schema: Sequence[Feature]) -> NDArray[np.float32]:
    """(epochs, features); the three forms may be mixed, a batch in one form is quick."""
    width = len(schema)
    kinds = {type(row) for row in rows}
    if kinds == {str}:
        packed = [unpacked(row) for row in rows if isinstance(row, str)]
        if any(len(raw) != 4 * width for raw in packed):
            raise NotGood
        return np.frombuffer(b"".join(packed), "<f4").reshape(len(rows), width)
    names = [feature.name for feature in schema]
    lists = rows if kinds == {list} else [as_list(row, names) for row in rows]
    try:
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused
            matrix = np.array(lists, np.float32)
    except (ValueError, TypeError):
        raise NotGood from None
    if matrix.shape != (len(rows), width):
        raise NotGood
    return matrix


def as_list(row: Row, names: Sequence[str]) -> Sequence[float | None]:
    if isinstance(row, list):
        return row
    if isinstance(row, str):
        return [float(value) for value in np.frombuffer(unpacked(row), "<f4")]
    if row.keys() != set(names):
        raise NotGood
    return [row[name] for name in names]


def unpacked(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotGood from None
    if len(raw) % 4:
        raise NotGood
    return raw


def limits(schema: Sequence[Feature]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The inclusive ranges, (features,) each, in the precision that is stored."""
    low = [-np.inf if feature.minimum is None else feature.minimum for feature in schema]
    high = [np.inf if feature.maximum is None else feature.maximum for feature in schema]
    return np.array(low, np.float32), np.array(high, np.float32)
