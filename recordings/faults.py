"""What is wrong with a batch, each fault with its place. Pure; slow, and only for bad ones.

Reads the plain JSON: the typed decode stops at the first fault, a client deserves them all.
"""

import base64
import binascii
import math
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from noctis.errors import Problem
from recordings import batches
from recordings.batches import (
    MAX_BATCH,
    DeviceBatch,
    MeasuredEpoch,
    SentBatch,
    SentEpoch,
)
from recordings.grid import MAX_EPOCHS
from recordings.schemas import Feature

LIST_FIELDS = ("recording_id", "epochs")
COLUMN_FIELDS = ("recording_id", "feature_schema_version", "start_index", "epochs")
# More than a batch has values; a body of nothing but typos must not keep a worker busy.
MOST_COUNTED = 50_000

INDEX = ("wrong_type", "expected a whole number")
INSTANT = ("bad_instant", "expected an RFC 3339 instant with an offset")
NAME = ("bad_text", "expected 1 to 120 characters, none of them NUL")
# What the typed decode's refusal of a field is called. The fields without a line have checks here.
REFUSED = {
    "recording_id": ("bad_uuid", "expected a UUID"),
    "feature_schema_version": ("wrong_type", "expected text"),
    "start_index": INDEX,
    "epoch_index": INDEX,
    "epoch_start_ts": INSTANT,
    "recording_started_at": INSTANT,
    "device_external_id": NAME,
    "device_name": NAME,
    "timezone": ("bad_text", "expected at most 64 characters"),
}


def in_batch(body: Any, schema: Sequence[Feature], version: str) -> list[Problem]:
    """Everything wrong with a body of `/v1/epochs:ingest`."""
    if not isinstance(body, Mapping):
        return [Problem("", "wrong_type", "expected an object")]
    if isinstance(body.get("epochs"), str):
        fields = _fields("", body, SentBatch, COLUMN_FIELDS)
        found = chain(fields, _column(body, schema))
    else:
        fields = _fields("", body, SentBatch, LIST_FIELDS)
        found = chain(fields, _epochs(body, schema, version))
    return list(islice(found, MOST_COUNTED))


def in_device_batch(body: Any, schema: Sequence[Feature]) -> list[Problem]:
    """The same for `/v1/epochs:ingest-device`."""
    if not isinstance(body, Mapping):
        return [Problem("", "wrong_type", "expected an object")]
    fields = _fields("", body, DeviceBatch, DeviceBatch.__struct_fields__)
    found = chain(fields, _epochs(body, schema, None))
    return list(islice(found, MOST_COUNTED))


def _fields(
    at: str, body: Mapping[str, Any], kind: type[msgspec.Struct], wanted: Collection[str]
) -> Iterator[Problem]:
    """The fields of a struct that are missing, not known, or not of their type."""
    fields = [field for field in msgspec.structs.fields(kind) if field.name in wanted]
    # A field that a struct may leave out is one that its other form needs.
    needed = [f.name for f in fields if f.required or f.default is msgspec.UNSET]
    yield from _names(at, body, needed, wanted)
    for field in fields:
        if field.name in body and field.name in REFUSED:
            try:
                msgspec.convert(body[field.name], field.type)
            except msgspec.ValidationError:
                yield Problem(f"{at}/{field.name}", *REFUSED[field.name])


def _names(
    at: str, body: Mapping[str, Any], needed: Collection[str], known: Collection[str]
) -> Iterator[Problem]:
    for name in needed:
        if name not in body:
            yield Problem(f"{at}/{name}", "required", "this field is missing")
    for name in body:
        if name not in known:
            step = name[:64].replace("~", "~0").replace("/", "~1")
            yield Problem(f"{at}/{step}", "unknown_field", "this field is not known")


def _column(body: Mapping[str, Any], schema: Sequence[Feature]) -> Iterator[Problem]:
    values = _packed_values(body["epochs"])
    if values is None:
        yield Problem("/epochs", "bad_base64", "expected base64 of little-endian float32")
        return
    count, rest = divmod(len(values), len(schema))
    if rest:
        yield Problem("/epochs", "wrong_length", f"expected a multiple of {len(schema)} values")
        return
    if not 1 <= count <= MAX_BATCH:
        yield _wrong_count(count)
        return
    yield from _start_index(body.get("start_index"), count)
    for position, value in enumerate(values):
        epoch, column = divmod(position, len(schema))
        yield from _value(f"/epochs/{epoch}/{column}", value, schema[column])


def _start_index(start: Any, count: int) -> Iterator[Problem]:
    if isinstance(start, int) and not 0 <= start <= MAX_EPOCHS - count:
        detail = f"expected 0 to {MAX_EPOCHS - count} for {count} epochs"
        yield Problem("/start_index", "out_of_range", detail)


def _wrong_count(count: int) -> Problem:
    return Problem("/epochs", "wrong_length", f"expected 1 to {MAX_BATCH} epochs, got {count}")


def _epochs(
    body: Mapping[str, Any], schema: Sequence[Feature], version: str | None
) -> Iterator[Problem]:
    if "epochs" not in body:
        return
    epochs = body["epochs"]
    if not isinstance(epochs, list):
        yield Problem("/epochs", "wrong_type", "expected a list, or base64 with start_index")
        return
    if not 1 <= len(epochs) <= MAX_BATCH:
        yield _wrong_count(len(epochs))
        return
    seen: dict[int, bytes] = {}
    for position, epoch in enumerate(epochs):
        at = f"/epochs/{position}"
        found = list(_epoch(at, epoch, schema, version))
        yield from found or _repeated(at, epoch, schema, seen)


def _epoch(
    at: str, epoch: Any, schema: Sequence[Feature], version: str | None
) -> Iterator[Problem]:
    """`version` is that of the active schema; None for a device, which names none."""
    if not isinstance(epoch, Mapping):
        yield Problem(at, "wrong_type", "expected an object")
        return
    kind = MeasuredEpoch if version is None else SentEpoch
    yield from _fields(at, epoch, kind, kind.__struct_fields__)
    index = epoch.get("epoch_index")
    if isinstance(index, int) and not 0 <= index < MAX_EPOCHS:
        yield Problem(f"{at}/epoch_index", "out_of_range", f"expected 0 to {MAX_EPOCHS - 1}")
    spoken = epoch.get("feature_schema_version")
    if isinstance(spoken, str) and version not in (None, spoken):
        detail = f"the active schema is {version}"
        yield Problem(f"{at}/feature_schema_version", "feature_schema_mismatch", detail)
    name = _row_name(epoch)
    if name in epoch:
        yield from _row(f"{at}/{name}", epoch[name], schema)


def _row_name(epoch: Mapping[str, Any]) -> str:
    return "features" if "features" in epoch else "metrics"


def _repeated(
    at: str, epoch: Mapping[str, Any], schema: Sequence[Feature], seen: dict[int, bytes]
) -> Iterator[Problem]:
    matrix = batches.matrix_of([epoch[_row_name(epoch)]], schema)
    stored = batches.canonical(matrix).tobytes()
    if seen.setdefault(epoch["epoch_index"], stored) != stored:
        yield Problem(f"{at}/epoch_index", "repeated", "twice in this batch, with other values")


def _row(at: str, row: Any, schema: Sequence[Feature]) -> Iterator[Problem]:
    if isinstance(row, Mapping):
        names = [feature.name for feature in schema]
        yield from _names(at, row, names, names)
        named = [(f"{at}/{f.name}", row[f.name], f) for f in schema if f.name in row]
    else:
        values = _packed_values(row) if isinstance(row, str) else row
        if values is None:
            yield Problem(at, "bad_base64", "expected base64 of little-endian float32")
            return
        if not isinstance(values, list):
            yield Problem(at, "wrong_type", "expected a list, an object or base64")
            return
        if len(values) != len(schema):
            detail = f"expected {len(schema)} values, got {len(values)}"
            yield Problem(at, "wrong_length", detail)
            return
        named = [(f"{at}/{i}", v, f) for i, (v, f) in enumerate(zip(values, schema, strict=True))]
    for place, value, feature in named:
        yield from _value(place, value, feature)


def _value(at: str, value: Any, feature: Feature) -> Iterator[Problem]:
    """None and NaN are gaps; a number is looked at in the precision that is stored."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Problem(at, "wrong_type", "expected a number or null")
        return
    stored = _stored(value)
    if math.isnan(stored):
        return
    if math.isinf(stored):
        yield Problem(at, "not_finite", "expected a finite number")
    elif stored < _stored(feature.minimum if feature.minimum is not None else -math.inf):
        yield Problem(at, "out_of_range", f"{feature.name} is at least {feature.minimum:g}")
    elif stored > _stored(feature.maximum if feature.maximum is not None else math.inf):
        yield Problem(at, "out_of_range", f"{feature.name} is at most {feature.maximum:g}")


def _stored(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except (OverflowError, struct.error):
        return math.inf if value > 0 else -math.inf


def _packed_values(text: str) -> list[float] | None:
    try:
        raw = base64.b64decode(text, validate=True)
        return [float(value) for (value,) in struct.iter_unpack("<f", raw)]
    except (binascii.Error, ValueError, struct.error):
        return None
