"""Stage names: the one table between letters, words and codes. Pure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNSCORED = -1


@dataclass(frozen=True)
class Stage:
    """A label as a scorer gives it; `shown` is what it counts as among the four."""

    code: int
    name: str
    letter: str
    shown: str | None
    aliases: tuple[str, ...] = ()


STAGES = (
    Stage(0, "W", "W", "W", ("wake", "0")),
    Stage(1, "N1", "1", "Light", ("s1",)),
    Stage(2, "N2", "2", "Light", ("s2",)),
    # The older rules tell stage 4 from 3; both are N3, and so is what four-stage scorers call Deep.
    Stage(3, "N3", "3", "Deep", ("s3", "s4", "4", "deep", "d")),
    Stage(4, "REM", "R", "REM", ("r", "5")),
    # A four-stage scorer cannot tell N1 from N2: what was not known is not made up.
    Stage(5, "Light", "L", "Light", ("l",)),
    Stage(UNSCORED, "unscored", "?", None, ("-", "u")),
)
BY_CODE = {stage.code: stage for stage in STAGES}
# By name, letter or alias, as `spelt`.
CODES = {
    name.lower(): stage.code
    for stage in STAGES
    for name in (stage.name, stage.letter, *stage.aliases)
}
NAMES = tuple(stage.name for stage in STAGES)
LETTERS = "".join(stage.letter for stage in STAGES)
SHOWN = ("W", "Light", "Deep", "REM")
# By code; the last one's place is reached by its code too, which is -1.
_PLACES = np.array(
    [UNSCORED if stage.shown is None else SHOWN.index(stage.shown) for stage in STAGES], np.int8
)


def spelt(name: str) -> str:
    """A stage's name as the table spells it: in any case, with blanks around it."""
    return name.strip().lower()


def code_of(name: str) -> int | None:
    """The code of a stage's name, letter or alias; None where it is no stage."""
    return CODES.get(spelt(name))


def codes_of(letters: str) -> list[int | None]:
    """The code of each letter of a night's string; a blank is no letter."""
    return [CODES.get(letter.lower()) for letter in letters]


def name_of(code: int) -> str:
    return BY_CODE[code].name


def letters_of(codes: list[int]) -> str:
    return "".join(BY_CODE[code].letter for code in codes)


def shown_places(codes: NDArray[Any]) -> NDArray[np.int8]:
    """Codes of any shape -> what each counts as, as its place in `SHOWN`; -1 stays unknown."""
    places: NDArray[np.int8] = _PLACES[codes]
    return places
