"""Splits by person: whoever judges a model has taught it nothing, in no night and by no copy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlops.datasets.identity import content_mark
from mlops.datasets.nights import LabelledNight

Nights = Sequence[LabelledNight]


class Leak(ValueError):
    """A person or a night is on both sides of a split."""


@dataclass(frozen=True)
class Fold:
    """Everybody but some, and those."""

    number: int
    fitting: Nights
    held_out: Nights


def folds_by_subject(nights: Nights, count: int, seed: int = 1) -> list[Fold]:
    """Each person is held out once, the people of each source spread evenly over the folds.

    Fewer folds than asked for where there are fewer people; the nights' order is no matter."""
    place = _places(nights, count, seed)
    folds = []
    for number in range(len(set(place.values()))):
        held_out = [night for night in nights if place[night.person] == number]
        fitting = [night for night in nights if place[night.person] != number]
        check_apart(fitting, held_out)
        folds.append(Fold(number, fitting, held_out))
    return folds


def _places(nights: Nights, count: int, seed: int) -> dict[tuple[str, str], int]:
    people = sorted({night.person for night in nights})
    if len(people) < 2 or count < 2:
        raise Leak("Nobody can be held out of fewer than two people, or in fewer than two folds.")
    generator = np.random.default_rng(seed)
    shuffled: list[tuple[str, str]] = []
    for source in sorted({source for source, _ in people}):
        there = [person for person in people if person[0] == source]
        shuffled += [there[place] for place in generator.permutation(len(there))]
    return {person: place % min(count, len(people)) for place, person in enumerate(shuffled)}


def check_apart(fitting: Nights, held_out: Nights) -> None:
    """Refuse, as Leak, a person on both sides, or a night of one that is a copy of another's."""
    people = {night.person for night in fitting} & {night.person for night in held_out}
    if people:
        raise Leak(f"On both sides: {', '.join('/'.join(person) for person in sorted(people))}.")
    copies = {content_mark(night): night for night in fitting}
    for night in held_out:
        if (known := copies.get(content_mark(night))) is not None:
            raise Leak(f"{night.source}/{night.name} is a copy of {known.source}/{known.name}.")
