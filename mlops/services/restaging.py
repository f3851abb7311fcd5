"""A stored night staged anew by versions that need not serve, beside what is known. Reads."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference import queries
from inference.engine import Model, Night, Pass, Staged
from inference.engine.golden import STAGE
from inference.models import Hypnogram
from inference.serving import Served
from inference.statistics import laid_out
from mlops.comparison import Line, Pair
from recordings import grid
from recordings.models import LabelSet, Recording
from recordings.stages import SHOWN, shown_places

# What a night's lines are called beside those of the versions.
STORED, TRUTH = "stored", "truth"
GROUND_TRUTH = (LabelSet.Source.PSG, LabelSet.Source.HUMAN, LabelSet.Source.SYNTHETIC)


class NotRestaged(Exception):
    """Why a night cannot be staged by these versions: a word to be counted by."""


@dataclass(frozen=True)
class Restaged:
    """A night, what each version made of it, and every answer to it as a line of one length."""

    recording: Recording
    night: Night
    staged: Mapping[str, Staged]
    lines: Mapping[str, Line]
    scoring: LabelSet | None  # whose stages are the truth


def restage(
    *,
    recording: Recording,
    versions: Mapping[str, Served],
    family: Pass = "night",
    sources: Sequence[str] = GROUND_TRUTH,
) -> Restaged:
    """Stage a night by every version under its name; a night that one cannot take is refused."""
    night = _night(recording, versions)
    staged, lines = {}, {}
    scoring = _newest(recording, sources)
    known = _known(recording, scoring)
    count = min(max(len(night), *map(len, known.values()), 0), grid.MAX_EPOCHS)
    for name, version in versions.items():
        started = time.perf_counter()
        staged[name] = STAGE[family](version.model, night)
        took = round((time.perf_counter() - started) * 1e6)
        lines[name] = _line(version.model, staged[name], count, took)
    for name, codes in known.items():
        lines[name] = Line(shown_places(laid_out(codes, 0, range(count))))
    return Restaged(recording, night, staged, lines, scoring)


def pairs_of(names: Sequence[str]) -> list[Pair]:
    """Each version against the truth and against what was stored, and the first two of them."""
    against = [(name, other) for name in names for other in (TRUTH, STORED)]
    return [*against, differing(names)] if len(names) > 1 else against


def untrue(pairs: Sequence[Pair]) -> list[Pair]:
    """Those that ask nobody for the truth."""
    return [pair for pair in pairs if TRUTH not in pair]


def differing(names: Sequence[str]) -> Pair:
    """The two answers of which the most different nights are told."""
    return (names[0], names[1]) if len(names) > 1 else (names[0], STORED)


def _night(recording: Recording, versions: Mapping[str, Served]) -> Night:
    stored = queries.night_of(recording.tenant, recording.uuid)
    if stored is None or not stored.schema_ids:
        raise NotRestaged("no_epochs")
    # Epochs in another schema are not staged; nor are some of them as if they were gaps.
    if any(stored.schema_ids != {version.schema_id} for version in versions.values()):
        raise NotRestaged("schema_mismatch")
    return stored.laid_out()


def _newest(recording: Recording, sources: Sequence[str]) -> LabelSet | None:
    owned = LabelSet.objects.owned_by(recording.tenant_id)
    rows = owned.filter(recording=recording, source__in=sources)
    found: LabelSet | None = rows.select_related("recording__tenant").order_by("-version").first()
    return found


def _known(recording: Recording, scoring: LabelSet | None) -> dict[str, np.ndarray]:
    """(epochs,) codes from the recording's first epoch on, of what is there."""
    found = {}
    owned = Hypnogram.objects.owned_by(recording.tenant_id)
    hypnogram = owned.of(recording).only("stages", "first_index").first()
    if hypnogram is not None and hypnogram.stages:
        lead = np.full(hypnogram.first_index, -1, np.int8)
        found[STORED] = np.concatenate([lead, np.array(hypnogram.stages, np.int8)])
    if scoring is not None:
        found[TRUTH] = np.array(scoring.stages, np.int8)
    return found


def _line(model: Model, staged: Staged, count: int, latency_us: int) -> Line:
    # A finer model's labels are added up, N1 and N2 to Light.
    sums = np.eye(len(SHOWN))[shown_places(model.codes)]
    shares = np.full((count, len(SHOWN)), np.nan)
    shares[: len(staged)] = (staged.probabilities.astype(np.float64) @ sums)[:count]
    return Line(shown_places(laid_out(staged.stages, 0, range(count))), shares, latency_us)
