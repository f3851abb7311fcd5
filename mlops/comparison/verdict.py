"""Which of two versions is better, or that nobody can say yet, and why: one sentence for all."""

from collections.abc import Mapping
from typing import Any

# Of fewer nights the interval promises too much: of two versions that are equally good one looks
# better to it in half of all comparisons of two nights, in one of eleven of ten.
FEWEST_NIGHTS = 10
FIRST, SECOND, NEITHER, UNKNOWN = "a", "b", "neither", "unknown"
VERDICTS = (FIRST, SECOND, NEITHER, UNKNOWN)


def judged(difference: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The difference in kappa with what follows from it; names are those of `a` and `b`."""
    nights = difference["units"]
    interval = difference["interval"] if nights >= FEWEST_NIGHTS else [None, None]
    low, high = interval
    if low is None or high is None:
        verdict, says = UNKNOWN, _too_few(nights)
    else:
        verdict = FIRST if low > 0 else SECOND if high < 0 else NEITHER
        says = f"{names[verdict]} is better." if verdict in names else NEITHER_SAID
    told = {"interval": interval, "fewest": FEWEST_NIGHTS, "verdict": verdict, "says": says}
    return {**difference, **told}


NEITHER_SAID = "Neither is shown to be better."


def _too_few(nights: int) -> str:
    said = "It cannot be told yet which of the two is better"
    if nights >= FEWEST_NIGHTS:
        return f"{said}: κ is defined on too few of {nights} nights."
    have = "one night has" if nights == 1 else f"{nights or 'no'} nights have"
    return (
        f"{said}: {have} labels of people that neither was fitted to, and it takes "
        f"{FEWEST_NIGHTS}. Of fewer, chance makes one look better too often."
    )
