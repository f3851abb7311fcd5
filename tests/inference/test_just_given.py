"""A prediction that was just given says to the letter what the log's listing says of it."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from inference.bodies import just_given, predicted
from inference.bodies.predicted import Origin
from inference.models import Pass, Role
from inference.queries import Page
from inference.rows import Logged, Occasion
from recordings.stages import code_of

LABELS = {"four": ("W", "Light", "Deep", "REM"), "five": ("W", "N1", "N2", "N3", "REM")}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("microsecond", [0, 250_000])
@pytest.mark.parametrize("count", [0, 1, 90])
def test_a_row_is_the_logs_own(labels: tuple[str, ...], microsecond: int, count: int) -> None:
    drawn = np.random.default_rng(5)
    started_at = datetime(2026, 12, 31, 22, 59, 59, microsecond, UTC)
    occasion = Occasion(1, 2_000_000_000, started_at, 7, Role.INLINE, Pass.NIGHT)
    probabilities = drawn.random((count, len(labels)), np.float32)
    logged = Logged(
        index=np.arange(3, 3 + count),
        stages=np.array([code_of(label) for label in drawn.choice(labels, count)], np.int64),
        probabilities=probabilities,
        confidence=probabilities.max(axis=1),
        revision=drawn.integers(0, 1 << 20, count),
        is_known=drawn.random(count) < 0.5,
    )

    found = just_given.rows(occasion, logged, labels, before=40)

    assert msgspec.to_builtins(found) == listed(occasion, logged, labels)


def listed(occasion: Occasion, logged: Logged, labels: tuple[str, ...]) -> list[dict[str, object]]:
    page = Page(
        occasion.model_id,
        "any",
        labels,
        40,
        logged.index,
        np.full(len(logged), int(occasion.role)),
        np.full(len(logged), int(occasion.staging_pass)),
        logged.revision,
        logged.stages,
        logged.probabilities,
        logged.confidence,
    )
    rows = predicted.rows(Origin(occasion.recording_id, occasion.started_at), page)
    known = logged.is_known.tolist()
    return [row | {"cached": each} for row, each in zip(rows, known, strict=True)]
