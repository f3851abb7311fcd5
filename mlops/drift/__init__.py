"""Has what comes in changed since training, or since last month? Nights are compared."""

from mlops.drift.comparison import Comparison, Thresholds, compare, is_alarm
from mlops.drift.nights import Nights
from mlops.drift.reference import Reference
from mlops.drift.sketches import Sketch, sketch_of

__all__ = [
    "Comparison",
    "Nights",
    "Reference",
    "Sketch",
    "Thresholds",
    "compare",
    "is_alarm",
    "sketch_of",
]
