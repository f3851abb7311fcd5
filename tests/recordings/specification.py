"""What a batch is, told slowly: plain Python, one epoch at a time, from the contract.

Must not import the platform's code: the fast path is checked against this."""

import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

GAP = bytes.fromhex("0000c07f")
LARGEST_BATCH = 2_880
EPOCHS_IN_A_DAY = 2_880
UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")
BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)
Values = list[bytes]  # four bytes for each feature


class Refused(Exception):
    """The contract does not allow this."""


class Feature(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...


@dataclass(frozen=True)
class Epoch:
    index: int
    start: datetime | None
    values: Values


@dataclass(frozen=True)
class Kept:
    """What is kept of a batch that is taken."""

    epochs: dict[int, bytes]
    received: int
    checksum: str
    starts: list[tuple[int, datetime]]

    def off_grid(self, started_at: datetime) -> list[int]:
        """The indices whose clock is more than 15 s from their place."""
        far = {
            index
            for index, start in self.starts
            if abs(start - started_at - timedelta(seconds=30 * index)) > timedelta(seconds=15)
        }
        return sorted(far)


def batch(body: Any, schema: Sequence[Feature], version: str) -> Kept:
    """A body of `/v1/epochs:ingest`."""
    demand(isinstance(body, dict))
    demand(is_text(body.get("recording_id"), UUID))
    if isinstance(body.get("epochs"), str):
        demand(body.keys() == {"recording_id", "feature_schema_version", "start_index", "epochs"})
        demand(body["feature_schema_version"] == version)
        return kept(column(body["epochs"], body["start_index"], schema))
    demand(body.keys() == {"recording_id", "epochs"})
    fields = {"epoch_index", "epoch_start_ts", "feature_schema_version", "features"}
    epochs = listed(body["epochs"], fields, lambda epoch: row(epoch["features"], schema))
    for epoch in body["epochs"]:
        demand(epoch["feature_schema_version"] == version)
    return kept(epochs)


def device_batch(body: Any, schema: Sequence[Feature]) -> Kept:
    """A body of `/v1/epochs:ingest-device`."""
    demand(isinstance(body, dict))
    known = {"device_external_id", "device_name", "recording_id", "recording_started_at"}
    demand(body.keys() <= known | {"timezone", "epochs"})
    demand(is_name(body.get("device_external_id")))
    demand(body.get("device_name") is None or is_name(body["device_name"]))
    demand(body.get("recording_id") is None or is_text(body["recording_id"], UUID))
    if body.get("recording_started_at") is not None:
        instant(body["recording_started_at"])
    zone = body.get("timezone")
    demand(zone is None or (isinstance(zone, str) and len(zone) <= 64))
    fields = {"epoch_index", "epoch_start_ts", "metrics"}
    return kept(listed(body.get("epochs"), fields, lambda epoch: row(epoch["metrics"], schema)))


def demand(is_met: bool) -> None:
    if not is_met:
        raise Refused


def is_text(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 120 and "\0" not in value


def listed(epochs: Any, fields: set[str], values: Callable[[Any], Values]) -> list[Epoch]:
    demand(isinstance(epochs, list) and 1 <= len(epochs) <= LARGEST_BATCH)
    read = []
    for epoch in epochs:
        demand(isinstance(epoch, dict) and epoch.keys() == fields)
        start = instant(epoch["epoch_start_ts"])
        read.append(Epoch(index_of(epoch["epoch_index"]), start, values(epoch)))
    return read


def column(text: str, start_index: Any, schema: Sequence[Feature]) -> list[Epoch]:
    raw = unpacked(text)
    width = 4 * len(schema)
    demand(len(raw) % width == 0 and 1 <= len(raw) // width <= LARGEST_BATCH)
    epochs = []
    for n in range(len(raw) // width):
        values = packed(raw[n * width : (n + 1) * width], schema)
        epochs.append(Epoch(index_of(start_index) + n, None, values))
        demand(epochs[-1].index < EPOCHS_IN_A_DAY)
    return epochs


def kept(epochs: list[Epoch]) -> Kept:
    """Each index once; the same epoch twice is a duplicate, another one is refused."""
    sent: dict[int, Values] = {}
    for epoch in epochs:
        first = sent.setdefault(epoch.index, epoch.values)
        demand(one_gap(first) == one_gap(epoch.values))
    in_order = [sent[index] for index in sorted(sent)]
    checksum = zlib.crc32(b"".join(b"".join(values) for values in in_order))
    stored = {index: b"".join(one_gap(values)) for index, values in sent.items()}
    starts = [(epoch.index, epoch.start) for epoch in epochs if epoch.start is not None]
    return Kept(stored, len(epochs), f"{checksum:08x}", starts)


def one_gap(values: Values) -> Values:
    return [GAP if number(value) != number(value) else value for value in values]


def number(value: bytes) -> float:
    return float(struct.unpack("<f", value)[0])


def index_of(value: Any) -> int:
    demand(type(value) is int and 0 <= value < EPOCHS_IN_A_DAY)
    return int(value)


def instant(value: Any) -> datetime:
    found = RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Refused
    *parts, fraction, is_utc, sign, hours, minutes = found.groups()
    try:
        ahead = timedelta() if is_utc else timedelta(hours=int(hours), minutes=int(minutes))
        demand(bool(is_utc) or (int(hours) < 24 and int(minutes) < 60))
        zone = timezone(-ahead if sign == "-" else ahead)
        microseconds = int((fraction or "").ljust(6, "0"))
        year, month, day, hour, minute, second = map(int, parts)
        return datetime(year, month, day, hour, minute, second, microseconds, tzinfo=zone)
    except ValueError:
        raise Refused from None


def row(features: Any, schema: Sequence[Feature]) -> Values:
    if isinstance(features, str):
        return packed(unpacked(features), schema)
    if isinstance(features, dict):
        demand(features.keys() == {feature.name for feature in schema})
        features = [features[feature.name] for feature in schema]
    demand(isinstance(features, list) and len(features) == len(schema))
    return [
        GAP if value is None else in_range(single(value), feature)
        for value, feature in zip(features, schema, strict=True)
    ]


def packed(raw: bytes, schema: Sequence[Feature]) -> Values:
    demand(len(raw) == 4 * len(schema))
    values = [raw[4 * n : 4 * n + 4] for n in range(len(schema))]
    return [in_range(value, feature) for value, feature in zip(values, schema, strict=True)]


def unpacked(text: str) -> bytes:
    demand(BASE64.fullmatch(text) is not None)
    return b64decode(text)


def single(value: Any) -> bytes:
    """A JSON number in the precision that is stored."""
    demand(type(value) in (int, float))
    try:
        return struct.pack("<f", value)
    except (OverflowError, struct.error):
        raise Refused from None


def in_range(value: bytes, feature: Feature) -> bytes:
    found = number(value)
    if found == found:  # a NaN is a gap, which has no range
        demand(abs(found) != float("inf"))
        demand(feature.minimum is None or found >= feature.minimum)
        demand(feature.maximum is None or found <= feature.maximum)
    return value
