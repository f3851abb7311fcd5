"""Marks of people and nights, so that a manifest can say whom a model was shown, without names."""

import hashlib
from collections.abc import Iterable

import numpy as np

from mlops.datasets.nights import LabelledNight
from recordings.schemas import ACTIVE_VERSION

MARK_DIGITS = 16


def subject_mark(night: LabelledNight) -> str:
    """The same for all nights of a person in a data set."""
    return _digest(b"subject", night.source.encode(), night.subject.encode())[:MARK_DIGITS]


def content_mark(night: LabelledNight) -> str:
    """The same for the same night under whatever name."""
    return _digest(b"night", *_content(night))[:MARK_DIGITS]


def measured_mark(night: LabelledNight) -> str:
    """The same for the same measurements, however they were scored and whosever they are called."""
    return _digest(b"measured", _content(night)[0])[:MARK_DIGITS]


def snapshot_checksum(nights: Iterable[LabelledNight], schema: str = ACTIVE_VERSION) -> str:
    """Over who slept, what was measured and what was scored, in any order of the nights."""
    parts = sorted(
        _digest(
            night.source.encode(), night.subject.encode(), night.name.encode(), *_content(night)
        )
        for night in nights
    )
    return _digest(schema.encode(), *(part.encode() for part in parts))


def _content(night: LabelledNight) -> tuple[bytes, bytes]:
    features = np.where(np.isnan(night.features), np.float32(np.nan), night.features)
    return features.astype("<f4").tobytes(), night.stages.astype("i1").tobytes()


def _digest(*parts: bytes) -> str:
    """Each part by its length, so that no two lists of parts are one text."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()
