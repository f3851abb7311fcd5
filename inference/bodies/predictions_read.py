"""A range of the log as it is answered: which predictions are asked for, and in which form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rest_framework import serializers

from inference.bodies import predicted
from inference.bodies.predicted import HEAD, Origin, names_of
from inference.queries import START, Page, Place, Span
from noctis import errors
from noctis.filters import Filter, narrowed
from recordings import grid, streams
from recordings.bodies import epochs_read
from recordings.models import Recording
from recordings.stages import SHOWN

# A night by two versions in both passes, and room for more; `Link` leads to what is left.
MOST_STREAMED = 10 * grid.MAX_EPOCHS
CURSOR = re.compile(r"\d{1,5}(\.\d{1,7}){4}", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for: a half-open range of instants, a version, from where, how many."""

    start: datetime | None = None
    end: datetime | None = None
    version: str | None = None
    after: Place = START
    limit: int | None = None

    def span(self, started_at: datetime, default_limit: int) -> Span:
        grid_of = epochs_read.Wanted(self.start, self.end).span(started_at, None)
        return Span(
            grid_of.first, grid_of.end, self.version, self.after, self.limit or default_limit
        )


FILTERS = {
    **epochs_read.FILTERS,
    "model_version": Filter(
        serializers.CharField(max_length=64),
        lambda wanted, version: replace(wanted, version=version),
        {"type": "string"},
        "Only what this version gave.",
    ),
}


def wanted(query: Mapping[str, str]) -> Wanted:
    """Read the query, or name all that is wrong with it."""
    asked: Wanted = narrowed(Wanted(after=_after(query.get("cursor"))), FILTERS, query)
    if asked.start and asked.end and asked.end < asked.start:
        raise errors.Invalid(problems=[errors.Problem("?to", "out_of_range", "before `from`")])
    return asked


def _after(cursor: str | None) -> Place:
    """The cursor is the place of the last row seen."""
    if cursor is None:
        return START
    if not CURSOR.fullmatch(cursor):
        raise errors.BadRequest("The cursor is not one that a list gave.")
    index, model, role, staging_pass, revision = map(int, cursor.split("."))
    if index >= grid.MAX_EPOCHS or max(model, role, staging_pass) >= 1 << 15:
        raise errors.BadRequest("The cursor is not one that a list gave.")
    return index, model, role, staging_pass, revision


def cursor_of(place: Place) -> str:
    return ".".join(map(str, place))


def listed(recording: Recording, pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Plain rows in the order of the log; only where several versions predicted are they sorted."""
    origin = Origin(recording.pk, recording.started_at)
    every = [row for page in pages for row in predicted.named_rows(origin, page)]
    return every if len(pages) < 2 else [every[at] for at in _order(pages)]


def ndjson(recording: Recording, pages: Sequence[Page]) -> str:
    return streams.ndjson(listed(recording, pages))


def csv(recording: Recording, pages: Sequence[Page]) -> str:
    """The header is there even where nothing was predicted; a column is a stage of any version."""
    origin = Origin(recording.pk, recording.started_at)
    stages = list(dict.fromkeys(name for page in pages for name in names_of(page.labels)))
    lines = [line for page in pages for line in predicted.csv_lines(origin, page, stages)]
    if len(pages) > 1:
        lines = [lines[at] for at in _order(pages)]
    return streams.csv_row([*HEAD, *(stages or SHOWN)]) + "".join(lines)


def _order(pages: Sequence[Page]) -> list[int]:
    """Where each row of the pages, one after the other, stands in the log."""
    places = [page.place(at) for page in pages for at in range(len(page))]
    return sorted(range(len(places)), key=places.__getitem__)
