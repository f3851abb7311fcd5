"""The nights by which versions are judged here: labelled, and of nobody that any was fitted to.

A night or a person that a manifest marks as its training is left out for all, and counted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from inference.engine import Pass
from inference.serving import Served
from mlops.comparison import Line
from mlops.datasets import LabelledNight
from mlops.services import restaging
from mlops.services.people import person_of
from mlops.services.restaging import TRUTH, NotRestaged, Restaged
from mlops.training.contextual import LOOKS_AHEAD
from mlops.training.provenance import unseen_by
from recordings.models import LabelSet, Recording

Source = LabelSet.Source
MOST_NIGHTS = 2_000


@dataclass(frozen=True)
class Judged:
    """A night of the holdout as the versions staged it, and whose it is."""

    night: Restaged
    person: tuple[str, str]

    @property
    def lines(self) -> Mapping[str, Line]:
        return self.night.lines


def label_sources() -> list[str]:
    """Say which scorings count: in production what people scored, elsewhere made-up nights too."""
    truth = [Source.PSG.value, Source.HUMAN.value]
    return truth if settings.PRODUCTION else [*truth, Source.SYNTHETIC.value]


def scorings() -> "QuerySet[LabelSet]":
    """Find the newest scoring of each night of the platform that counts, newest nights first."""
    closed = (Recording.Status.CLOSED, Recording.Status.STAGED)
    known = LabelSet.objects.filter(source__in=label_sources(), recording__status__in=closed)
    newest = known.order_by("recording_id", "-version").distinct("recording_id").values("pk")
    rows = LabelSet.objects.filter(pk__in=newest).select_related("recording__tenant")
    return rows.order_by("-recording_id")[:MOST_NIGHTS]


def judge(
    *,
    versions: Mapping[str, Served],
    family: Pass,
    rows: Sequence[LabelSet],
    left_out: Counter[str],
) -> Iterator[Judged]:
    """Stage every night that none of the versions was fitted to; the others are counted."""
    recipes = [version.manifest.metadata.training.recipe for version in versions.values()]
    for scoring in rows:
        try:
            night = restaging.restage(
                recording=scoring.recording,
                versions=versions,
                family=family,
                sources=label_sources(),
            )
        except NotRestaged as fault:
            left_out[str(fault)] += 1
            continue
        known = _labelled(night, scoring)
        if reason := _unfit(known, recipes, family):
            left_out[reason] += 1
        else:
            yield Judged(night, known.person)


def is_fitted_to(*, found: Restaged, versions: Mapping[str, Served]) -> bool:
    """Was one of the versions fitted to this labelled night, or to another of the same person?
    Then its labels do not say how good the versions are."""
    if found.scoring is None:
        return False
    recipes = [version.manifest.metadata.training.recipe for version in versions.values()]
    night = [_labelled(found, found.scoring)]
    return not all(unseen_by(recipe, night) for recipe in recipes)


def _unfit(night: LabelledNight, recipes: Sequence[Mapping[str, object]], family: Pass) -> str:
    if family == "live" and night.source in LOOKS_AHEAD:
        return "looks_ahead"
    return "" if all(unseen_by(recipe, [night]) for recipe in recipes) else "trained_on"


def _labelled(night: Restaged, scoring: LabelSet) -> LabelledNight:
    features = night.night.features
    # As training reads a night: as long as what was measured.
    stages = night.lines[TRUTH].stages[: len(features)]
    source, subject = person_of(scoring=scoring)
    return LabelledNight(subject, features, stages, source, str(scoring.recording.uuid))
