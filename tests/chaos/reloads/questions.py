"""What is asked, and what each version must answer; no Django."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from inference import engine
from tests.inference import drafts

HOME = "home"  # the version that every rollback leads to; all others are the guest under new names
TOLERANCE = 1e-5  # what a number loses on its way through real[] and JSON
SCHEMA = drafts.ACTIVE_VERSION
INLINE, STORED = 41, 120
EPOCH = timedelta(seconds=30)
DRAWN = np.random.default_rng(41)


def _drawn(count: int) -> NDArray[np.float32]:
    """Within every feature's range, with a gap here and there."""
    low = np.array([feature.minimum or 0 for feature in drafts.FEATURES], np.float32)
    high = np.array([feature.maximum or 1 for feature in drafts.FEATURES], np.float32)
    values = (low + DRAWN.random((count, len(low))) * (high - low)).astype(np.float32)
    is_gap = DRAWN.random(count) < 0.05
    is_gap[[INLINE - 1, -1]] = False  # the newest are asked for
    values[is_gap] = np.nan
    return values


MATRIX = _drawn(STORED)


def model_of(version: str) -> engine.Model:
    return drafts.linear(0 if version == HOME else 1)


@dataclass(frozen=True)
class Question:
    """A body to send, and the probabilities that either version must answer it with."""

    body: bytes
    answers: dict[bool, NDArray[np.float32]]  # by: is it the guest's

    def wrong_with(self, text: bytes) -> str:
        """What is wrong with an answer; empty where nothing is."""
        told = json.loads(text)
        wanted = self.answers[told["model_version"] != HOME]
        given = [list(row["probabilities"].values()) for row in told["predictions"]]
        if np.shape(given) != wanted.shape:
            return f"{told['model_version']}: {np.shape(given)} numbers"
        off = float(np.abs(np.array(given) - wanted).max())
        return f"{told['model_version']}: off by {off:g}" if off > TOLERANCE else ""


def questions(recording: str, started_at: datetime) -> list[Question]:
    """The newest stored epoch, the newest of 41 sent along, and all of these."""
    inline = _as_sent(MATRIX[:INLINE], started_at)
    return [
        Question(_body(recording, scope="latest"), _live(MATRIX)),
        Question(_body(recording, scope="latest", epochs=inline), _live(MATRIX[:INLINE])),
        Question(_body(recording, scope="all", epochs=inline), _whole(MATRIX[:INLINE])),
    ]


def _body(recording: str, **more: object) -> bytes:
    return json.dumps({"recording_id": recording, **more}).encode()


def _as_sent(matrix: NDArray[np.float32], started_at: datetime) -> list[dict[str, object]]:
    return [
        {
            "epoch_index": index,
            "epoch_start_ts": (started_at + index * EPOCH).isoformat(),
            "feature_schema_version": SCHEMA,
            "features": base64.b64encode(row.astype("<f4").tobytes()).decode(),
        }
        for index, row in enumerate(matrix)
    ]


def _live(matrix: NDArray[np.float32]) -> dict[bool, NDArray[np.float32]]:
    night = engine.Night(matrix)
    return {
        guest: engine.stage_live(drafts.linear(int(guest)), night, 1).probabilities[-1:]
        for guest in (False, True)
    }


def _whole(matrix: NDArray[np.float32]) -> dict[bool, NDArray[np.float32]]:
    """Of the epochs that get a stage: a gap gets none."""
    night = engine.Night(matrix)
    found = {
        guest: engine.stage_night(drafts.linear(int(guest)), night).probabilities
        for guest in (False, True)
    }
    return {guest: rows[~np.isnan(rows[:, 0])] for guest, rows in found.items()}
