"""What is wrong with a batch, each fault with its place. Pure; slow, and only for bad ones.

Reads the plain JSON: the typed decode stops at the first fault, a client deserves them all.
"""

import base64
import binascii
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from noctis.errors import MAX_PROBLEMS, Problem
from recordings.batches import MAX_BATCH
from recordings.grid import MAX_EPOCHS
from recordings.schemas import Feature

LIST_FIELDS = ("epoch_index", "epoch_start_ts", "feature_schema_version", "features")
DEVICE_FIELDS = ("epoch_index", "epoch_start_ts", "metrics")


def in_batch(body: Any, schema: Sequence[Feature], version: str) -> list[Problem]:
    """Everything wrong with a body of `/v1/epochs:ingest`, the first fifty of it."""
    if not isinstance(body, Mapping):
        return [Problem("", "wrong_type", "expected an object")]
    if isinstance(body.get("epochs"), str):
        names = ("recording_id", "feature_schema_version", "start_index", "epochs")
        found = (*_fields("", body, names), *_column(body, schema))
    else:
        fields = _fields("", body, ("recording_id", "epochs"))
        found = (*fields, *_epochs(body.get("epochs"), schema, "features", version))
    return list(islice(found, MAX_PROBLEMS + 1))


def in_device_batch(body: Any, schema: Sequence[Feature]) -> list[Problem]:
    """The same for `/v1/epochs:ingest-device`."""
    if not isinstance(body, Mapping):
        return [Problem("", "wrong_type", "expected an object")]
    optional = ("device_name", "recording_id", "recording_started_at", "timezone")
    found = (
        *_fields("", body, ("device_external_id", "epochs"), optional),
        *_epochs(body.get("epochs"), schema, "metrics", None),
    )
    return list(islice(found, MAX_PROBLEMS + 1))


def _fields(
    at: str, body: Mapping[str, Any], needed: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[Problem]:
    for name in needed:
        if name not in body:
            yield Problem(f"{at}/{name}", "required", "this field is missing")
    for name in body:
        if name not in needed and name not in optional:
            yield Problem(f"{at}/{name[:64]}", "unknown_field", "this field is not known")


def _column(body: Mapping[str, Any], schema: Sequence[Feature]) -> Iterator[Problem]:
    values = _packed_values(body["epochs"])
    if values is None:
        yield Problem("/epochs", "bad_base64", "expected base64 of little-endian float32")
        return
    count, rest = divmod(len(values), len(schema))
    if rest:
        yield Problem("/epochs", "wrong_length", f"expected a multiple of {len(schema)} values")
    elif not 1 <= count <= MAX_BATCH:
        yield Problem("/epochs", "wrong_length", f"expected 1 to {MAX_BATCH} epochs, got {count}")
    start = body.get("start_index")
    yield from _index("/start_index", start)
    if isinstance(start, int) and 0 <= start < MAX_EPOCHS < start + count:
        yield Problem("/start_index", "out_of_range", f"a night ends before epoch {MAX_EPOCHS}")
    for position, value in enumerate(values):
        epoch, column = divmod(position, len(schema))
        yield from _value(f"/epochs/{epoch}/{column}", value, schema[column])


def _epochs(
    epochs: Any, schema: Sequence[Feature], row_name: str, version: str | None
) -> Iterator[Problem]:
    if not isinstance(epochs, list):
        yield Problem("/epochs", "wrong_type", "expected a list, or base64 with start_index")
        return
    if not 1 <= len(epochs) <= MAX_BATCH:
        detail = f"expected 1 to {MAX_BATCH} epochs, got {len(epochs)}"
        yield Problem("/epochs", "wrong_length", detail)
        return
    seen: dict[int, Any] = {}
    for position, epoch in enumerate(epochs):
        at = f"/epochs/{position}"
        if not isinstance(epoch, Mapping):
            yield Problem(at, "wrong_type", "expected an object")
            continue
        yield from _epoch(at, epoch, schema, row_name, version)
        yield from _repeated(at, epoch, row_name, seen)


def _repeated(
    at: str, epoch: Mapping[str, Any], row_name: str, seen: dict[int, Any]
) -> Iterator[Problem]:
    index = epoch.get("epoch_index")
    if isinstance(index, int) and seen.setdefault(index, epoch.get(row_name)) != epoch.get(
        row_name
    ):
        yield Problem(f"{at}/epoch_index", "repeated", "twice in this batch, with other values")


def _epoch(
    at: str,
    epoch: Mapping[str, Any],
    schema: Sequence[Feature],
    row_name: str,
    version: str | None,
) -> Iterator[Problem]:
    yield from _fields(at, epoch, LIST_FIELDS if version is not None else DEVICE_FIELDS)
    if "epoch_index" in epoch:
        yield from _index(f"{at}/epoch_index", epoch["epoch_index"])
    if "epoch_start_ts" in epoch:
        yield from _instant(f"{at}/epoch_start_ts", epoch["epoch_start_ts"])
    if version is not None and epoch.get("feature_schema_version", version) != version:
        detail = "one batch speaks one schema version"
        yield Problem(f"{at}/feature_schema_version", "mixed_versions", detail)
    if row_name in epoch:
        yield from _row(f"{at}/{row_name}", epoch[row_name], schema)


def _index(at: str, value: Any) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield Problem(at, "wrong_type", "expected a whole number")
    elif not 0 <= value < MAX_EPOCHS:
        yield Problem(at, "out_of_range", f"expected 0 to {MAX_EPOCHS - 1}")


def _instant(at: str, value: Any) -> Iterator[Problem]:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        yield Problem(at, "bad_instant", "expected an RFC 3339 instant with an offset")


def _row(at: str, row: Any, schema: Sequence[Feature]) -> Iterator[Problem]:
    if isinstance(row, Mapping):
        yield from _fields(at, row, [feature.name for feature in schema])
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
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _packed_values(text: str) -> list[float] | None:
    try:
        raw = base64.b64decode(text, validate=True)
        return [float(value) for (value,) in struct.iter_unpack("<f", raw)]
    except (binascii.Error, ValueError, struct.error):
        return None
