"""What of an open night still has no stage: the log is asked first, and the rest alone is staged.

As good as staging all of it, because a live stage depends on what its input's hash is made of."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from inference import engine, rows
from inference.engine.nights import Bools
from inference.rows import Given, Occasion
from inference.services import predictions
from inference.services.predictions import Work


def given(*, occasion: Occasion, work: Work) -> Given | None:
    """The stages that the log does not have yet; None where there is none at all."""
    is_known = rows.known_each(occasion, work.night.first_index, work.hashes)
    predictions.LOG_HITS.inc(int(np.count_nonzero(is_known)))
    parts = [predictions.stage(part).given() for part in _parts(work, is_known)]
    staged = _joined(parts, len(work.served.model.labels))
    found = staged.only(~is_known[staged.index - work.night.first_index])
    return found if len(found) or is_known.any() else None


def _parts(work: Work, is_known: Bools) -> Iterator[Work]:
    """A work for each run of epochs that are not known, if any of it may have a stage.

    A few that are known stay within a run: each looks back as far as a run of its own would."""
    may_have = engine.stageable(work.served.model, work.night)
    places = np.flatnonzero(~is_known)
    for run in np.split(places, np.flatnonzero(np.diff(places) > work.served.model.reach) + 1):
        if may_have[run].any():
            features = work.night.features[: run[-1] + 1]
            newest = int(run[-1] - run[0]) + 1
            yield replace(work, night=replace(work.night, features=features), newest=newest)


def _joined(parts: list[Given], labels: int) -> Given:
    nothing = np.empty((0, labels), np.float32)
    return Given(
        np.concatenate([np.empty(0, np.int64), *(part.index for part in parts)]),
        np.concatenate([np.empty(0, np.int8), *(part.stages for part in parts)]),
        np.concatenate([nothing, *(part.probabilities for part in parts)]),
        np.concatenate([nothing[:, 0], *(part.confidence for part in parts)]),
        b"".join(part.hashes for part in parts),
    )
