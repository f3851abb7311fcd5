"""What is known of a night in the end, and how it compares with what it must be. No Django."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

UNSCORED = -1


@dataclass(frozen=True)
class Given:
    """A stage of an epoch, and the hash of what it was computed from."""

    index: int
    stage: int
    hash: str

    @property
    def question(self) -> tuple[int, str]:
        return self.index, self.hash


@dataclass(frozen=True)
class Drawn:
    """A hypnogram row."""

    revision: int
    hash: str
    stages: tuple[int, ...]


@dataclass
class Facts:
    """One night: computed once more in a process that nobody killed, and found in the tables."""

    is_settled: bool
    night_expected: list[Given] = field(default_factory=list)
    night_found: list[Given] = field(default_factory=list)
    live_expected: list[Given] = field(default_factory=list)
    live_found: list[Given] = field(default_factory=list)
    stages_expected: tuple[int, ...] = ()
    hypnograms: list[Drawn] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """Nights, stages and hypnograms that are not as they must be; all zero is sound."""

    unsettled: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    halves: int = 0
    misnumbered: int = 0

    @property
    def is_sound(self) -> bool:
        return not any(vars(self).values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in vars(self).items())

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(**{name: count + vars(other)[name] for name, count in vars(self).items()})


def compare(nights: Iterable[Facts]) -> Comparison:
    return sum((compare_one(night) for night in nights), Comparison())


def compare_one(night: Facts) -> Comparison:
    expected = night.night_expected + night.live_expected
    found = night.night_found + night.live_found
    stages = {given.question: given.stage for given in found}
    newest = night.hypnograms[-1].stages if night.hypnograms else ()
    return Comparison(
        unsettled=int(not night.is_settled),
        lost=sum(given.question not in stages for given in expected),
        doubled=_repeated(given.question for given in found)
        + _repeated(row.hash for row in night.hypnograms),
        wrong=sum(stages.get(given.question, given.stage) != given.stage for given in expected)
        + int(newest != night.stages_expected),
        halves=_halves(night),
        misnumbered=int(
            [row.revision for row in night.hypnograms] != [*range(len(night.hypnograms))]
        ),
    )


def _halves(night: Facts) -> int:
    """Hypnograms without all of their stages in the log, and stages in it without a hypnogram."""
    logged = Counter(given.hash for given in night.night_found)
    drawn = Counter(
        {row.hash: sum(stage != UNSCORED for stage in row.stages) for row in night.hypnograms}
    )
    return sum(logged[each] != drawn[each] for each in logged | drawn)


def _repeated(things: Iterable[object]) -> int:
    return sum(count - 1 for count in Counter(things).values())
