"""Whose nights they are, on whose terms, and who of them a model was shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from inference.artifacts import Source
from inference.provenance import name_of
from mlops.datasets import LabelledNight, content_mark, snapshot_checksum, subject_mark

ODC_BY = "Open Data Commons Attribution License 1.0"
# What nights with a simulator's labels are called, wherever they came from.
SIMULATED = "simulated"
SOURCES: Mapping[str, Source] = {
    "slpdb": Source(
        name="MIT-BIH Polysomnographic Database 1.0.0",
        licence=ODC_BY,
        attribution="Ichimaru and Moody 1999; Goldberger et al. 2000; PhysioNet",
        url="https://doi.org/10.13026/C23K5S",
    ),
    "walch": Source(
        name="Motion and heart rate from a wrist-worn wearable and labeled sleep from "
        "polysomnography 1.0.0",
        licence=ODC_BY,
        attribution="Walch et al., SLEEP 42(12), zsz180, 2019; PhysioNet",
        url="https://doi.org/10.13026/hmhs-py35",
    ),
    SIMULATED: Source(
        name="simulated nights",
        licence="none needed: made by this code, no person's data in it",
        attribution="mlops/simulator",
    ),
}


def sources_of(nights: Sequence[LabelledNight]) -> list[Source]:
    """Of each its terms; whichever tenants' nights, they are this platform's."""
    names = sorted({night.source for night in nights})
    return list(dict.fromkeys(SOURCES.get(name) or _owned(name) for name in names))


def _owned(source: str) -> Source:
    return Source(name_of(source), licence="as its owner says", attribution="unknown")


def shown(nights: Sequence[LabelledNight]) -> dict[str, Any]:
    """For a manifest's recipe: people and nights as marks, so that nobody is judged by them."""
    return {
        "nights": len(nights),
        "snapshot": snapshot_checksum(nights),
        "subjects": sorted({subject_mark(night) for night in nights}),
        "contents": sorted({content_mark(night) for night in nights}),
    }


def unseen_by(recipe: Mapping[str, Any], nights: Sequence[LabelledNight]) -> list[LabelledNight]:
    """The nights that a model was not fitted to, neither by person nor by content."""
    people, contents = set(recipe.get("subjects", ())), set(recipe.get("contents", ()))
    return [
        night
        for night in nights
        if subject_mark(night) not in people and content_mark(night) not in contents
    ]
