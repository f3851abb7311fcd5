"""Labelled nights in two parts: who is learnt from, and who judges. Never a person in both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np

from mlops.datasets.identity import measured_mark, snapshot_checksum
from mlops.datasets.nights import LabelledNight
from mlops.datasets.splits import Leak, check_apart
from recordings.stages import SHOWN

Person = tuple[str, str]


class Part(IntEnum):
    FIT = 0
    HELD_OUT = 1


PARTS = {Part.FIT: "fit", Part.HELD_OUT: "held_out"}


@dataclass(frozen=True)
class Snapshot:
    """Nights in one order, whatever order they were found in."""

    nights: Sequence[LabelledNight]
    parts: Sequence[Part]  # by night
    schema: str
    copies: Sequence[LabelledNight] = ()  # left out: the same was measured in one that is there

    def of(self, part: Part) -> list[LabelledNight]:
        return [night for night, own in zip(self.nights, self.parts, strict=True) if own == part]

    @cached_property
    def checksum(self) -> str:
        """Over content, labels, names and sides: what a file of it must hash to, whatever form."""
        sides = [snapshot_checksum(self.of(part), f"{self.schema}/{PARTS[part]}") for part in Part]
        return snapshot_checksum((), "/".join(sides))

    @property
    def stage_counts(self) -> dict[str, dict[str, int]]:
        """Scored epochs by part and stage."""
        return {PARTS[part]: _counted(self.of(part)) for part in Part}

    def check(self) -> None:
        """Refuse, as Leak, a person or a night on both sides, by content and by measurement."""
        check_apart(self.of(Part.FIT), self.of(Part.HELD_OUT))
        fitted = {measured_mark(night) for night in self.of(Part.FIT)}
        for night in self.of(Part.HELD_OUT):
            if measured_mark(night) in fitted:
                raise Leak(f"{night.source}/{night.name} was measured on the other side as well.")


def snapshot_of(
    nights: Iterable[LabelledNight], *, held_out: float, seed: int, schema: str
) -> Snapshot:
    """Split by person. A night that was measured twice is kept once, and the people who share one
    are taken for one person: whoever they are, they stay on one side."""
    ordered = sorted(nights, key=lambda night: (night.source, night.subject, night.name))
    kept, copies, alias = _once(ordered)
    sides = _sides([_root(alias, night.person) for night in kept], held_out, seed)
    parts = [sides[_root(alias, night.person)] for night in kept]
    snapshot = Snapshot(kept, parts, schema, copies)
    snapshot.check()
    return snapshot


def _once(
    nights: Sequence[LabelledNight],
) -> tuple[list[LabelledNight], list[LabelledNight], dict[Person, Person]]:
    kept: dict[str, LabelledNight] = {}
    copies: list[LabelledNight] = []
    alias: dict[Person, Person] = {}
    for night in nights:
        known = kept.setdefault(measured_mark(night), night)
        if known is night:
            continue
        copies.append(night)
        one, two = _root(alias, known.person), _root(alias, night.person)
        if one != two:
            alias[max(one, two)] = min(one, two)
    return list(kept.values()), copies, alias


def _root(alias: dict[Person, Person], person: Person) -> Person:
    while person in alias:
        person = alias[person]
    return person


def _sides(people: Sequence[Person], share: float, seed: int) -> dict[Person, Part]:
    """People by lot, until the wanted share of the nights is held out; somebody on each side."""
    everybody = sorted(set(people))
    if len(everybody) < 2:
        raise Leak("Nobody can be held out: the nights are of fewer than two people.")
    sides = dict.fromkeys(everybody, Part.FIT)
    lot = [everybody[place] for place in np.random.default_rng(seed).permutation(len(everybody))]
    out = 0
    for person in lot[:-1]:
        if out and out >= share * len(people):
            break
        sides[person] = Part.HELD_OUT
        out += sum(one == person for one in people)
    return sides


def _counted(nights: Sequence[LabelledNight]) -> dict[str, int]:
    places = [night.stages[night.stages >= 0] for night in nights]
    joined = np.concatenate(places) if places else np.empty(0, np.int8)
    counts = np.bincount(joined, minlength=len(SHOWN))
    return dict(zip(SHOWN, counts.tolist(), strict=True))
