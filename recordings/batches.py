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
from itertools import chain
from typing import Annotated, cast
from uuid import UUID

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from recordings.grid import EPOCH_S, MAX_EPOCHS, TOLERANCE_S
from recordings.schemas import Feature

Row = list[float | None] | dict[str, float | None] | str
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
# PostgreSQL's text holds no NUL.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
MAX_BATCH = 2_880


class NotGood(Exception):
    """Something is wrong with the batch; `faults` says what."""


# No cycle can pass through an epoch: the collector need not look at hundreds of them.
class SentEpoch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    epoch_index: int
    epoch_start_ts: Instant
    feature_schema_version: str
    features: Row


class SentBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A list of epochs, or consecutive ones in one packed column."""

    recording_id: UUID
    epochs: list[SentEpoch] | str
    feature_schema_version: str | UnsetType = UNSET
    start_index: int | UnsetType = UNSET

    @property
    def version(self) -> str:
        """The one schema version that the batch speaks."""
        if isinstance(self.epochs, str):
            versions = {self.feature_schema_version}
        else:
            versions = {epoch.feature_schema_version for epoch in self.epochs}
        version = versions.pop() if len(versions) == 1 else UNSET
        if version is UNSET:
            raise NotGood
        return version


class MeasuredEpoch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    epoch_index: int
    epoch_start_ts: Instant
    metrics: Row


class DeviceBatch(msgspec.Struct, forbid_unknown_fields=True):
    """From a device that knows no ids; it speaks the active schema."""

    device_external_id: Name
    epochs: list[MeasuredEpoch]
    device_name: Name | None = None
    recording_id: UUID | None = None
    recording_started_at: Instant | None = None
    timezone: Annotated[str, msgspec.Meta(max_length=64)] | None = None


@dataclass(frozen=True)
class Clock:
    """What the device's clock said of each epoch sent, repeated ones included."""

    index: NDArray[np.int32]  # (received,)
    start_s: NDArray[np.float64]  # (received,)

    @property
    def origins(self) -> tuple[float, float]:
        """The earliest and the latest start of the night that these instants would mean."""
        starts = self.start_s - EPOCH_S * self.index.astype(np.float64)
        return float(starts.min()), float(starts.max())

    def off_grid(self, started_s: float) -> NDArray[np.int32]:
        """The indices whose clock is further from the grid than a device's clock may be."""
        off_s = self.start_s - (started_s + EPOCH_S * self.index.astype(np.float64))
        # Seconds since 1970 leave a float room for less than a microsecond: whole ones are exact.
        far = np.abs(np.round(off_s * 1e6)) > TOLERANCE_S * 1e6
        return np.unique(self.index[far])


@dataclass(frozen=True)
class EpochBatch:
    """Epochs of one recording and one schema in index order, each index once."""

    index: NDArray[np.int32]  # (epochs,)
    features: NDArray[np.float32]  # (epochs, features), NaN for a gap
    clock: Clock | None  # None: the device said nothing of time
    received: int  # epochs sent, repeated ones included
    checksum: str  # CRC-32 of the float32 bytes as sent, in index order

    def __len__(self) -> int:
        return len(self.index)

    @property
    def origins(self) -> tuple[float, float] | tuple[None, None]:
        return (None, None) if self.clock is None else self.clock.origins

    def off_grid(self, started_s: float) -> NDArray[np.int32]:
        return self.index[:0] if self.clock is None else self.clock.off_grid(started_s)


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
    if rest or not 1 <= count <= MAX_BATCH or not 0 <= start_index <= MAX_EPOCHS - count:
        raise NotGood
    index = np.arange(start_index, start_index + count, dtype=np.int32)
    matrix = np.frombuffer(raw, "<f4").reshape(count, len(schema))
    return EpochBatch(index, _checked(matrix, schema), None, count, checksum_of(matrix))


def assembled(
    indices: list[int], rows: Sequence[Row], start_s: list[float], schema: Sequence[Feature]
) -> EpochBatch:
    received = len(indices)
    if not 1 <= received <= MAX_BATCH or min(indices) < 0 or max(indices) >= MAX_EPOCHS:
        raise NotGood
    index, matrix = np.array(indices, np.int32), matrix_of(rows, schema)
    clock = Clock(index, np.array(start_s, np.float64))
    if not np.all(index[1:] > index[:-1]):
        order = np.argsort(index, kind="stable")
        index, matrix = _each_once(index[order], matrix[order])
    return EpochBatch(index, _checked(matrix, schema), clock, received, checksum_of(matrix))


def _each_once(
    index: NDArray[np.int32], matrix: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """An epoch sent twice in one batch counts as a duplicate, unless the two differ."""
    is_first = np.append(True, index[1:] != index[:-1])
    first_of = np.maximum.accumulate(np.where(is_first, np.arange(len(index)), 0))
    bits = canonical(matrix).view(np.uint32)
    if not np.array_equal(bits, bits[first_of]):
        raise NotGood
    return index[is_first], matrix[is_first]


def _checked(matrix: NDArray[np.float32], schema: Sequence[Feature]) -> NDArray[np.float32]:
    low, high = limits(schema)
    if np.any((matrix < low) | (matrix > high)):  # neither is true of a gap
        raise NotGood
    return canonical(matrix)


def canonical(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """One spelling of a gap, so that equal epochs are equal bytes."""
    return np.where(np.isnan(matrix), np.float32(np.nan), matrix)


def checksum_of(matrix: NDArray[np.float32]) -> str:
    return f"{zlib.crc32(matrix.tobytes()):08x}"


def matrix_of(rows: Sequence[Row], schema: Sequence[Feature]) -> NDArray[np.float32]:
    """(epochs, features); the three forms may be mixed, a batch in one form is quick."""
    kinds = set(map(type, rows))
    if kinds == {str}:
        return _from_packed(cast(Sequence[str], rows), len(schema))
    if str not in kinds:
        return _from_values(rows, schema)
    is_packed = np.array([isinstance(row, str) for row in rows])
    matrix = np.empty((len(rows), len(schema)), np.float32)
    matrix[is_packed] = _from_packed([row for row in rows if isinstance(row, str)], len(schema))
    matrix[~is_packed] = _from_values([row for row in rows if not isinstance(row, str)], schema)
    return matrix


def _from_packed(texts: Sequence[str], width: int) -> NDArray[np.float32]:
    """Rows whose base64 needs no padding are one text: decoded once, not row by row."""
    size = 4 * width
    if size % 3 == 0 and set(map(len, texts)) == {size // 3 * 4}:
        raw = unpacked("".join(texts))
    else:
        packed = [unpacked(text) for text in texts]
        if any(len(one) != size for one in packed):
            raise NotGood
        raw = b"".join(packed)
    if len(raw) != size * len(texts):
        raise NotGood
    return np.frombuffer(raw, "<f4").reshape(len(texts), width)


def _from_values(rows: Sequence[Row], schema: Sequence[Feature]) -> NDArray[np.float32]:
    names = [feature.name for feature in schema]
    lists = [_in_order(row, names) if isinstance(row, dict) else row for row in rows]
    if set(map(len, lists)) != {len(names)}:
        raise NotGood
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused
        values = np.fromiter(chain.from_iterable(lists), np.float32, len(rows) * len(names))
    return values.reshape(len(rows), len(names))


def _in_order(row: dict[str, float | None], names: Sequence[str]) -> list[float | None]:
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
    """The inclusive ranges, (features,) each, in the precision that is stored; all finite."""
    most = np.finfo(np.float32).max
    low = [-most if feature.minimum is None else feature.minimum for feature in schema]
    high = [most if feature.maximum is None else feature.maximum for feature in schema]
    return np.array(low, np.float32), np.array(high, np.float32)
