"""Series read past the ORM: a night to be staged, and what was predicted of it, as whole arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from inference.engine import Night
from inference.engine.nights import Floats, Ints
from noctis.db import packing
from noctis.db.prepared import Prepared, session_at_hand
from recordings import grid
from recordings.models import Recording
from recordings.queries import arrays, prepared_arrays
from tenants.models import Tenant

# A row for each schema that the epochs are in; one without, where there are none. `+ 0`: else an
# index of the tenant's nights looks as good as a night's own key while the table is young, and the
# plan that is kept walks all of them.
NIGHT = """
SELECT night.id, night.started_at, night.status, night.last_index, night.last_epoch_received_at,
       epoch.schema_id, array_agg(epoch.epoch_index) FILTER (WHERE epoch.epoch_index IS NOT NULL),
       array_agg(epoch.features) FILTER (WHERE epoch.epoch_index IS NOT NULL)
FROM recordings_recording AS night
LEFT JOIN LATERAL (
    SELECT epoch_index, schema_id, features FROM recordings_epoch
    WHERE tenant_id = %(tenant)s AND recording_id = night.id
      AND epoch_start_ts
          > night.started_at + (night.last_index - %(newest)s::integer) * interval '30 seconds'
) AS epoch ON true
WHERE night.tenant_id + 0 = %(tenant)s AND night.uuid = %(recording)s AND night.status <> 'erasing'
GROUP BY night.id, epoch.schema_id
"""

_NIGHT = Prepared(
    "night_of",
    NIGHT % {"tenant": "$1", "recording": "$2", "newest": "$3"},
    (23, 2950, 23),  # integer, uuid, integer
)

# The aggregates of one group see its rows in one order, whichever it is.
LOGGED = """
SELECT version.id, version.version, version.metadata->'labels',
       (version.metadata->'window'->>'before')::integer,
       array_agg(found.epoch_index), array_agg(found.role::integer),
       array_agg(found.pass::integer), array_agg(found.revision), array_agg(found.stage::integer),
       array_agg(found.probabilities), array_agg(found.confidence)
FROM (SELECT * FROM inference_prediction
      WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
        AND window_end_ts > %(start)s AND window_end_ts <= %(end)s
        AND (%(version)s::text IS NULL OR model_id = (
            SELECT id FROM inference_modelversion WHERE version = %(version)s))
        AND (window_end_ts, model_id, role, pass, revision) > (
            %(after_ts)s, %(after_model)s::smallint, %(after_role)s::smallint,
            %(after_pass)s::smallint, %(after_revision)s::integer)
      ORDER BY window_end_ts, model_id, role, pass, revision LIMIT %(limit)s) AS found
JOIN inference_modelversion AS version ON version.id = found.model_id
GROUP BY version.id
"""


@dataclass(frozen=True)
class StoredNight:
    """A recording with the epochs that were asked for, as one statement saw them."""

    recording_id: int
    started_at: datetime
    status: str
    last_index: int | None
    received_at: datetime | None  # the newest epoch's
    schema_ids: frozenset[int]
    count: int  # of the epochs in all schemas; those of more than one are not laid out
    index: Ints  # (epochs,) in order
    features: Floats  # (epochs, features), NaN for a gap

    @property
    def is_over(self) -> bool:
        return self.status != Recording.Status.OPEN

    def laid_out(self, first: int = 0) -> Night:
        """On the grid from `first` to the newest epoch; what is not stored is a gap."""
        return laid_out(self.index, self.features, first)


def laid_out(index: Ints, features: Floats, first: int) -> Night:
    """(epochs,), (epochs, features), in order: a row for each place from `first` on."""
    count = int(index[-1]) + 1 - first if len(index) else 0
    if count == len(index):
        return Night(features, first)
    whole = np.full((max(count, 0), features.shape[1]), np.nan, np.float32)
    whole[index - first] = features
    return Night(whole, first)


def night_of(tenant: Tenant, recording: UUID, newest: int = grid.MAX_EPOCHS) -> StoredNight | None:
    """The tenant's recording and what is stored of its `newest` places on the grid."""
    rows = _rows_of(tenant, recording, newest)
    if not rows:
        return None
    night, started_at, status, last_index, received_at, *_ = rows[0]
    found = [row[5:] for row in rows if row[5] is not None]
    index, features = np.empty(0, np.int64), np.empty((0, 0), np.float32)
    if len(found) == 1:
        _, places, flat = found[0]
        order = np.argsort(places)
        index = places[order].astype(np.int64)
        features = flat.reshape(len(index), -1)[order].astype(np.float32)
    return StoredNight(
        night,
        started_at,
        status,
        last_index,
        received_at,
        frozenset(row[0] for row in found),
        sum(len(row[1]) for row in found),
        index,
        features,
    )


def _rows_of(tenant: Tenant, recording: UUID, newest: int) -> list[tuple[Any, ...]]:
    session = session_at_hand()
    if session is None:
        values = {"tenant": tenant.pk, "recording": recording, "newest": newest}
        return arrays(NIGHT, values)
    values_packed = packing.int4(tenant.pk), recording.bytes, packing.int4(newest)
    return prepared_arrays(session, _NIGHT, values_packed)


@dataclass(frozen=True)
class Page:
    """Predictions of one version, in the order of the log."""

    model_id: int
    version: str
    labels: Sequence[str]
    before: int  # epochs that its window begins before the one that is staged
    index: Ints  # (predictions,) on the recording's grid
    role: Ints
    staging_pass: Ints
    revision: Ints
    stages: Ints
    probabilities: Floats  # (predictions, labels)
    confidence: Floats

    def __len__(self) -> int:
        return len(self.index)

    def place(self, at: int) -> "Place":
        told = (self.index[at], self.model_id, self.role[at])
        return tuple(int(value) for value in (*told, self.staging_pass[at], self.revision[at]))

    def first(self, count: int) -> "Page":
        columns = {name: getattr(self, name)[:count] for name in COLUMNS}
        return replace(self, **columns)


# Index, model, role, pass and revision: the order of the log within a recording.
Place = tuple[int, ...]
START: Place = (-1, 0, 0, 0, 0)
COLUMNS = ("index", "role", "staging_pass", "revision", "stages", "probabilities", "confidence")


@dataclass(frozen=True)
class Span:
    """Which predictions: of a half-open range of epochs, of one version or all, after a place."""

    first: int = 0
    end: int = grid.MAX_EPOCHS
    version: str | None = None
    after: Place = START
    limit: int = grid.MAX_EPOCHS


def logged_within(recording: Recording, span: Span) -> tuple[list[Page], Place | None]:
    """The predictions of a span by version, and where to go on if any are left."""
    index, model, role, staging_pass, revision = span.after
    values = {
        "tenant": recording.tenant_id,
        "recording": recording.pk,
        "start": grid.epoch_start(recording.started_at, span.first),
        "end": grid.epoch_start(recording.started_at, span.end),
        "version": span.version,
        "after_ts": grid.epoch_start(recording.started_at, index + 1),
        "after_model": model,
        "after_role": role,
        "after_pass": staging_pass,
        "after_revision": revision,
        "limit": span.limit + 1,
    }
    pages = [_page(*row) for row in arrays(LOGGED, values)]
    if sum(len(page) for page in pages) <= span.limit:
        return pages, None
    # The last row only says that there are more.
    last = max(pages, key=lambda page: page.place(-1))
    kept = [page.first(len(page) - 1) if page is last else page for page in pages]
    kept = [page for page in kept if len(page)]
    return kept, max(page.place(-1) for page in kept)


def _page(
    model_id: int, version: str, labels: Sequence[str], before: int, *columns: NDArray[Any]
) -> Page:
    index, role, staging_pass, revision, stages = (each.astype(np.int64) for each in columns[:5])
    order = np.lexsort((revision, staging_pass, role, index))
    probabilities = columns[5].reshape(len(index), -1).astype(np.float32)
    return Page(
        model_id,
        version,
        labels,
        before,
        index[order],
        role[order],
        staging_pass[order],
        revision[order],
        stages[order],
        probabilities[order],
        columns[6].astype(np.float32)[order],
    )
