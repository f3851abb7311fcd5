"""Whether a night's numbers can be a sleeper's at all: how they follow each other, how far they
stray. Pure; says nothing of whether the stages are right.

A body changes slowly, so neighbouring epochs resemble each other; noise forgets at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Staged

Values = NDArray[np.float64]  # (epochs,), NaN for a gap


@dataclass(frozen=True)
class Signal:
    """By the names that schemas have for it: the first that the night knows is looked at."""

    names: tuple[str, ...]
    # From the night's own median; None where a sleeper's may be anywhere.
    hardly_beyond: float | None = None
    # The share of epochs that must differ from 0: a sleeper who lies still moves now and then,
    # at moments that have nothing to do with each other.
    least_stirring: float = 0.0


SIGNALS = (
    Signal(("hr_mean",), hardly_beyond=30.0),
    Signal(("rr_mean",), hardly_beyond=15.0),
    Signal(("vib_move_pct", "large_move_pct", "motion_index"), least_stirring=0.25),
)
# Looked at where none of those tells anything: a spread without its rate.
INSTEAD = (Signal(("hr_std", "hrv_rmssd")), Signal(("rr_std",)))
# An hour: in less of it, quiet sleep may look like chance.
FEWEST_PAIRS = 120
# Between what 37 real nights have at least, 0.55, and what noise of an hour has at most, 0.24;
# and what real nights have at most, 0.02, and noise all over the range at least, 0.4.
LEAST_CONTINUITY = 0.3
MOST_ASTRAY = 0.2


@dataclass(frozen=True)
class Plausibility:
    """None where too little of the night is known to say."""

    continuity: float | None = None
    astray: float | None = None

    @property
    def is_implausible(self) -> bool:
        is_noise = self.continuity is not None and self.continuity < LEAST_CONTINUITY
        return is_noise or (self.astray is not None and self.astray > MOST_ASTRAY)


UNJUDGED = Plausibility()


def plausibility_of(features: NDArray[np.float32], names: Sequence[str]) -> Plausibility:
    """(epochs, features), NaN for gaps -> what the night is worth as somebody's sleep."""
    columns = {name: features[:, place].astype(np.float64) for place, name in enumerate(names)}
    found = _known(SIGNALS, columns) or _known(INSTEAD, columns)
    followed = [_continuity(values) for _, values in found]
    strayed = [
        float((np.abs(values - np.median(values)) > signal.hardly_beyond).mean())
        for signal, line in found
        if signal.hardly_beyond is not None and len(values := line[np.isfinite(line)])
    ]
    if not found:
        return UNJUDGED
    return Plausibility(float(np.mean(followed)), max(strayed, default=None))


def _known(signals: Sequence[Signal], columns: Mapping[str, Values]) -> list[tuple[Signal, Values]]:
    """The signals that the night knows well enough, each by its first such column."""
    found = []
    for signal in signals:
        lines = (columns[name] for name in signal.names if name in columns)
        fit = (line for line in lines if _is_enough(line, signal.least_stirring))
        found += [(signal, line) for line in [next(fit, None)] if line is not None]
    return found


def _is_enough(line: Values, least_stirring: float) -> bool:
    is_known = np.isfinite(line)
    if (is_known[1:] & is_known[:-1]).sum() < FEWEST_PAIRS:
        return False
    return bool((line[is_known] != 0).mean() >= least_stirring)


def _continuity(line: Values) -> float:
    """Spearman's correlation of each epoch with the next; what never changes is no body's: 0."""
    is_known = np.isfinite(line)
    _, place, count = np.unique(line[is_known], return_inverse=True, return_counts=True)
    ranks = np.full(len(line), np.nan)
    ranks[is_known] = (np.cumsum(count) - count / 2)[place]
    both = is_known[1:] & is_known[:-1]
    one, two = ranks[:-1][both], ranks[1:][both]
    if not (one.std() > 0 and two.std() > 0):
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


def undecided(staged: Staged) -> Staged:
    """The same stages, as sure of them as whoever knows nothing: every label is as likely."""
    alike = np.full_like(staged.probabilities, 1 / staged.probabilities.shape[1])
    alike[~staged.is_staged] = np.nan
    return replace(staged, probabilities=alike, confidence=alike[:, 0].copy())
