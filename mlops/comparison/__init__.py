"""Several answers to the same nights, side by side: counts that add up, in any order; no Django."""

from mlops.comparison.counts import Line, NightCounts, Pair, count_night
from mlops.comparison.told import difference_of, told
from mlops.comparison.totals import MOST_DIFFERENT, Different, Totals
from mlops.comparison.verdict import FEWEST_NIGHTS, VERDICTS, judged

__all__ = [
    "FEWEST_NIGHTS",
    "MOST_DIFFERENT",
    "VERDICTS",
    "Different",
    "Line",
    "NightCounts",
    "Pair",
    "Totals",
    "count_night",
    "difference_of",
    "judged",
    "told",
]
