"""A night's epochs as they are answered: which are asked for, and in which of three forms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from noctis import errors
from noctis.filters import Filter, narrowed
from noctis.pagination import DEFAULT_LIMIT
from noctis.serializers import Body, Instant
from recordings import grid, streams
from recordings.models import Recording
from recordings.queries import Epochs, Span

LEADING = ("epoch_index", "epoch_start_ts", "feature_schema_version")


class StoredEpoch(Body):
    example = {
        "epoch_index": 0,
        "epoch_start_ts": "2026-03-01T21:04:05Z",
        "feature_schema_version": "noctis_v1",
        "features": {"in_bed_pct": 100.0, "hr_mean": 57.5, "rr_mean": None},
    }

    epoch_index = serializers.IntegerField(min_value=0, max_value=grid.MAX_EPOCHS - 1)
    epoch_start_ts = Instant()
    feature_schema_version = serializers.CharField()
    features = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="By name; `null` is a gap."
    )


class TextOf(OpenApiResponse):
    """An answer in lines, for the OpenAPI document."""

    def __init__(self, *lines: str) -> None:
        super().__init__(OpenApiTypes.STR)
        self.example = "\n".join([*lines, ""])


NDJSON_LINES = TextOf(json.dumps(StoredEpoch.example))
CSV_LINES = TextOf(
    "epoch_index,epoch_start_ts,feature_schema_version,in_bed_pct,hr_mean,rr_mean",
    "0,2026-03-01T21:04:05Z,noctis_v1,100.0,57.5,",
)


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for: a half-open range of instants, from where on, how many."""

    start: datetime | None = None
    end: datetime | None = None
    after: int = -1
    limit: int | None = None

    def span(self, started_at: datetime, default_limit: int | None) -> Span:
        """The same on the recording's grid; without any limit, all of it."""
        first = self.start and _on_grid(started_at, self.start)
        end = grid.MAX_EPOCHS if self.end is None else _on_grid(started_at, self.end)
        limit = self.limit or default_limit or grid.MAX_EPOCHS
        return Span(max(first or 0, self.after + 1), end, limit)


def _on_grid(started_at: datetime, at: datetime) -> int:
    return min(max(0, grid.index_at(started_at, at)), grid.MAX_EPOCHS)


_INSTANT = {"type": "string", "format": "date-time"}
FILTERS = {
    "from": Filter(
        Instant(),
        lambda wanted, at: replace(wanted, start=at),
        _INSTANT,
        "Epochs that start at this instant or later.",
    ),
    "to": Filter(
        Instant(),
        lambda wanted, at: replace(wanted, end=at),
        _INSTANT,
        "Epochs that start before this instant.",
    ),
    "limit": Filter(
        serializers.IntegerField(min_value=1, max_value=grid.MAX_EPOCHS),
        lambda wanted, limit: replace(wanted, limit=limit),
        {"type": "integer", "minimum": 1, "maximum": grid.MAX_EPOCHS},
        f"How many at most: {DEFAULT_LIMIT} in JSON if absent, else the whole range.",
    ),
}


def wanted(query: Mapping[str, str]) -> Wanted:
    """Read the query, or name all that is wrong with it."""
    asked: Wanted = narrowed(Wanted(after=_after(query.get("cursor", "-1"))), FILTERS, query)
    if asked.start and asked.end and asked.end < asked.start:
        raise errors.Invalid(problems=[errors.Problem("?to", "out_of_range", "before `from`")])
    return asked


def _after(cursor: str) -> int:
    """The cursor is the last index seen."""
    if cursor != "-1" and not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 5):
        raise errors.BadRequest("The cursor is not one that a list gave.")
    return int(cursor)


def rows(recording: Recording, found: Sequence[Epochs]) -> list[dict[str, Any]]:
    """Plain rows in index order; only a night that saw another schema become active has two."""
    every = [row for epochs in found for row in epochs.rows(recording.started_at)]
    return every if len(found) < 2 else sorted(every, key=lambda row: row["epoch_index"])


def ndjson(recording: Recording, found: Sequence[Epochs]) -> str:
    return streams.ndjson(rows(recording, found))


def csv(recording: Recording, found: Sequence[Epochs]) -> str:
    """The header is there even where no epoch is; a column is a feature of any schema found."""
    columns = list(dict.fromkeys(name for epochs in found for name in epochs.names))
    lines = [
        line
        for epochs in found
        for line in streams.csv_numbers(_heads(recording, epochs), epochs.matrix(columns))
    ]
    if len(found) > 1:
        lines.sort(key=lambda line: int(line.partition(",")[0]))
    return streams.csv_row([*LEADING, *columns]) + "".join(lines)


def _heads(recording: Recording, epochs: Epochs) -> list[str]:
    version = streams.csv_row([epochs.version]).rstrip("\n")
    starts = epochs.starts(recording.started_at)
    return [
        f"{index},{start},{version}"
        for index, start in zip(epochs.index.tolist(), starts, strict=True)
    ]
