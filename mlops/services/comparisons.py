"""Two versions on the same nights, now and in memory: what each says, and where they differ. Reads.

The same over any number of nights, as a job, is a replay.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from inference.engine import Pass
from inference.services import registry
from inference.serving import Served, snapshot
from mlops.comparison import Totals, count_night, difference_of, told
from mlops.services import holdout, restaging
from mlops.services.restaging import TRUTH, NotRestaged, Restaged
from recordings.models import Recording, RecordingQuerySet
from tenants.models import Tenant

FIRST, SECOND = "a", "b"
NAMES = (FIRST, SECOND)
MOST_NIGHTS = 200
BY_DEFAULT = 50


@dataclass(frozen=True)
class Nights:
    """Which closed nights: a tenant's or everybody's, of when, the newest ones."""

    tenant: Tenant | None = None
    start: datetime | None = None
    end: datetime | None = None
    device: UUID | None = None
    recordings: tuple[UUID, ...] = ()

    @property
    def as_json(self) -> dict[str, Any]:
        return {
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "device_id": str(self.device) if self.device else None,
            "recordings": [str(one) for one in self.recordings],
        }

    def rows(self) -> RecordingQuerySet:
        owned = (
            Recording.objects.exclude(status=Recording.Status.ERASING)
            if self.tenant is None
            else Recording.objects.owned_by(self.tenant)
        )
        rows: RecordingQuerySet = owned.exclude(status=Recording.Status.OPEN).filter(
            epoch_count__gt=0
        )
        rows = rows.started_from(self.start) if self.start else rows
        rows = rows.started_before(self.end) if self.end else rows
        rows = rows.on_device(self.device) if self.device else rows
        return rows.filter(uuid__in=self.recordings) if self.recordings else rows


@dataclass(frozen=True)
class Comparison:
    """What the versions come to, and their most different nights whole."""

    versions: Mapping[str, str]
    family: Pass
    report: Mapping[str, Any]
    left_out: Mapping[str, int]
    # Labelled nights that do not say how good they are: of people that one was fitted to.
    fitted: int
    pictures: list[Restaged] = field(default_factory=list)


def compare_versions(
    *, first: str, second: str, nights: Nights, family: Pass = "night", limit: int = BY_DEFAULT
) -> Comparison:
    """Stage the newest of the nights by both versions, and say what each makes of them."""
    rows = {FIRST: registry.version_named(first), SECOND: registry.version_named(second)}
    for row in rows.values():
        registry.check_offered(row=row, families=(family,))
    versions = {name: snapshot.serve(row) for name, row in rows.items()}
    found = nights.rows().select_related("tenant").order_by("-started_at", "-pk")
    totals, left_out, fitted = _counted(found[: min(limit, MOST_NIGHTS)], versions, family)
    return Comparison(
        versions={name: row.version for name, row in rows.items()},
        family=family,
        report=told(totals) | {"difference": difference(totals=totals)},
        left_out=left_out,
        fitted=fitted,
        pictures=_pictures(totals, versions, family),
    )


def difference(*, totals: Totals) -> dict[str, Any]:
    """How much better the first is, where the truth is known: kappa, with its interval."""
    return difference_of(totals, (FIRST, TRUTH), (SECOND, TRUTH))


def totals_of(*, names: Iterable[str]) -> Totals:
    """Nothing yet, for versions under these names."""
    wanted = tuple(names)
    lines = (*wanted, restaging.STORED, TRUTH)
    return Totals(lines, restaging.pairs_of(wanted), restaging.differing(wanted))


def _counted(
    rows: Iterable[Recording], versions: Mapping[str, Served], family: Pass
) -> tuple[Totals, Counter[str], int]:
    totals, left_out, fitted = totals_of(names=versions), Counter[str](), 0
    for recording in rows:
        try:
            found = restaging.restage(recording=recording, versions=versions, family=family)
        except NotRestaged as reason:
            left_out[str(reason)] += 1
            continue
        is_fitted = holdout.is_fitted_to(found=found, versions=versions)
        fitted += is_fitted
        pairs = restaging.untrue(totals.pairs) if is_fitted else totals.pairs
        counts = count_night(found.lines, pairs)
        totals.add(counts, name=str(recording.uuid), unit=recording.pk)
    return totals, left_out, fitted


def _pictures(totals: Totals, versions: Mapping[str, Served], family: Pass) -> list[Restaged]:
    """The most different nights, staged once more: no lines are kept while nights are counted."""
    names = [one.name for one in totals.most_different]
    rows = Recording.objects.filter(uuid__in=names).select_related("tenant", "device")
    known = {str(row.uuid): row for row in rows}
    return [
        restaging.restage(recording=known[name], versions=versions, family=family)
        for name in names
        if name in known
    ]
