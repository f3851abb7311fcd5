"""Nights for tests as staging leaves them: labels, predictions in the log, the hypnogram."""

from typing import Any

import numpy as np

from inference import rows
from inference.engine import Staged
from inference.models import Hypnogram, ModelVersion, Pass, Role
from inference.rows import Given, Occasion
from inference.services import hypnograms
from inference.services.hypnograms import Verdict
from recordings import stages
from recordings.models import LabelSet, Recording
from recordings.services import labels as services
from recordings.services.labels import Scoring
from tests.factories import ModelVersionFactory

FOUR = ["W", "Light", "N3", "REM"]
FIVE = ["W", "N1", "N2", "N3", "REM"]


def version_of(labels: list[str]) -> ModelVersion:
    return ModelVersionFactory(metadata={"labels": labels})


def score(recording: Recording, letters: str, scorer: str = "rater-7") -> LabelSet:
    scoring = Scoring(scorer, "psg", stages.codes_of(letters))
    return services.add_labels(recording=recording, scoring=scoring)[0]


def certain(letters: str, labels: list[str], skill: float = 0.7) -> np.ndarray:
    """(predictions, labels): `skill` on what was given, the rest on the others alike."""
    codes = [stages.code_of(label) for label in labels]
    given = [codes.index(code) for code in stages.codes_of(letters.replace("?", ""))]
    shares = np.full((len(given), len(labels)), (1 - skill) / (len(labels) - 1), np.float32)
    shares[range(len(given)), given] = skill
    return shares


def log(
    recording: Recording, letters: str, model: ModelVersion, mark: bytes = b"a", **other: Any
) -> None:
    """Predictions as staging logs them; `?` is an epoch that was given no stage."""
    index = np.array([i for i, letter in enumerate(letters) if letter != "?"])
    codes = np.array(stages.codes_of(letters.replace("?", "")), np.int8)
    shares = certain(letters, model.metadata["labels"])
    facts = {
        "tenant_id": recording.tenant_id,
        "recording_id": recording.pk,
        "started_at": recording.started_at,
        "model_id": model.pk,
        "role": Role.PRODUCTION,
        "staging_pass": Pass.NIGHT,
    }
    given = Given(index, codes, shares, shares.max(axis=1), mark.ljust(16, b"."))
    rows.log(Occasion(**facts | other), given, 1)


def stage(
    recording: Recording, letters: str, model: ModelVersion, disposition: str = "staged"
) -> Hypnogram:
    """The night as its pass leaves it: predictions in the log, and the hypnogram."""
    mark = letters[:16].encode().ljust(16, b".")
    if disposition == "staged":
        log(recording, letters, model, mark)
    staged = Staged(
        np.array(stages.codes_of(letters), np.int8),
        np.empty((len(letters), 0), np.float32),
        np.full(len(letters), 0.7, np.float32),
    )
    verdict = Verdict(model.pk, Hypnogram.Disposition(disposition), staged, mark, len(staged))
    return hypnograms.add_hypnogram(recording=recording, verdict=verdict)
