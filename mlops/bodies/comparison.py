"""What is said of two versions on the same nights, alike for the API and the commands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.comparison import judged
from mlops.services.comparisons import Comparison
from mlops.services.restaging import Restaged
from recordings.stages import SHOWN

LETTERS = "".join(name[0] for name in SHOWN)
UNKNOWN = "?"


def comparison(found: Comparison) -> dict[str, Any]:
    return {
        "versions": dict(found.versions),
        "family": found.family,
        **found.report,
        "difference": judged(found.report["difference"], found.versions),
        "fitted": found.fitted,
        "left_out": dict(found.left_out),
        "pictures": [picture(one) for one in found.pictures],
    }


def picture(night: Restaged) -> dict[str, Any]:
    """A night as a letter an epoch, for each of its lines: W, L, D, R, or ? where none is known."""
    return {
        "night": str(night.recording.uuid),
        "started_at": night.recording.started_at,
        "lines": {name: letters(line.stages) for name, line in night.lines.items()},
    }


def letters(places: NDArray[np.int8]) -> str:
    # Of no stage the place is -1: the last letter.
    return "".join((LETTERS + UNKNOWN)[place] for place in places)
