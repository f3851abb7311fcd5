"""The labelled nights that a snapshot is made of, read from rows one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from inference import queries
from mlops.datasets import LabelledNight
from mlops.services.criteria import Criteria
from mlops.services.people import person_of
from noctis import errors
from recordings.models import FeatureSchema, LabelSet, Recording
from recordings.stages import UNSCORED, shown_places
from tenants.models import Tenant

# They are in memory at once: about 60 KB each.
MOST_NIGHTS = 5_000
Tell = Callable[[float, str], None]


class TooManyNights(errors.Conflict):
    row = errors.registered(
        "too_many_nights",
        409,
        "Too many nights for one snapshot",
        f"A snapshot holds at most {MOST_NIGHTS:,} nights.",
        "Name a range of days or a device.",
    )


@dataclass(frozen=True)
class Found:
    """A night as the snapshot has it, and the rows that it came from."""

    night: LabelledNight
    recording: Recording
    label_version: int


def find_nights(
    *, tenant: Tenant, criteria: Criteria, schema: FeatureSchema, tell: Tell
) -> list[Found]:
    """Read every night that the criteria name, in the order of their ids."""
    scorings = list(_scorings(tenant, criteria)[: MOST_NIGHTS + 1])
    if len(scorings) > MOST_NIGHTS:
        raise TooManyNights
    return list(_read(scorings, criteria, schema, tell))


def night_again(
    *, recording: Recording, label_version: int, schema: FeatureSchema
) -> LabelledNight | None:
    """Read one night as it was read then; None where some of it is gone."""
    owned = LabelSet.objects.owned_by(recording.tenant_id).select_related("recording__tenant")
    scoring = owned.filter(recording=recording, version=label_version).first()
    return None if scoring is None else _labelled(scoring, schema)


def _scorings(tenant: Tenant, criteria: Criteria) -> QuerySet[LabelSet]:
    """The newest of each night from the sources that count."""
    sets = LabelSet.objects.all()
    if criteria.scope == "tenant":
        sets = sets.owned_by(tenant)
    wanted = {
        "source__in": criteria.label_sources,
        "recording__status__in": (Recording.Status.CLOSED, Recording.Status.STAGED),
        "recording__night_on__gte": criteria.first_on,
        "recording__night_on__lte": criteria.last_on,
        "recording__device__uuid": criteria.device,
    }
    rows = sets.filter(**{name: value for name, value in wanted.items() if value is not None})
    newest = rows.order_by("recording_id", "-version").distinct("recording_id")
    return newest.select_related("recording__tenant")


def _read(
    scorings: list[LabelSet], criteria: Criteria, schema: FeatureSchema, tell: Tell
) -> Iterator[Found]:
    for place, scoring in enumerate(scorings, start=1):
        night = _labelled(scoring, schema)
        if night is not None and _known(night) >= criteria.min_epochs:
            yield Found(night, scoring.recording, scoring.version)
        if place % 50 == 0 or place == len(scorings):
            tell(0.8 * place / len(scorings), f"{place} of {len(scorings)} nights read")


def _labelled(scoring: LabelSet, schema: FeatureSchema) -> LabelledNight | None:
    recording = scoring.recording
    stored = queries.night_of(recording.tenant, recording.uuid)
    if stored is None or stored.schema_ids != {schema.pk}:
        return None
    features = stored.laid_out().features
    codes = np.full(len(features), UNSCORED, np.int8)
    scored = np.array(scoring.stages, np.int8)[: len(features)]
    codes[: len(scored)] = scored
    source, subject = person_of(scoring=scoring)
    return LabelledNight(
        subject, features, shown_places(codes), source=source, name=str(recording.uuid)
    )


def _known(night: LabelledNight) -> int:
    """Epochs that were scored and measured."""
    return int(((night.stages >= 0) & ~np.isnan(night.features).all(axis=1)).sum())
