"""Predictions into the log: one round trip, whatever their number; what is there stays as it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.engine.nights import Bools, Floats, Ints
from inference.models import Pass, Role
from noctis import errors
from noctis.db import packing
from noctis.db.arrays import PackedFloats, PackedInts
from noctis.db.prepared import Prepared, session_at_hand
from recordings import grid, queries

HASH_SIZE = 16
CALL = (
    "SELECT verdict, revision, known, stage, probabilities, confidence FROM noctis_log_predictions"
)

# inference/sql/log_predictions.sql says what it does.
LOG = f"""{CALL}(
    %(tenant)b::integer, %(recording)b::integer, %(started)b, %(model)b::smallint,
    %(role)b::smallint, %(pass)b::smallint, %(index)b, %(stage)b, %(width)b::integer,
    %(probabilities)b, %(confidence)b, %(hash)b, %(latency_us)b::integer, %(request)b::text,
    %(client)b::integer)
"""
_PREPARED = Prepared(
    "log_predictions",
    f"{CALL}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    # 2 x integer, timestamptz, 3 x smallint, 2 x integer[], integer, 2 x real[], bytea, integer,
    # text, integer
    (23, 23, 1184, 21, 21, 21, 1007, 1007, 23, 1021, 1021, 17, 23, 25, 23),
)

_KNOWN_CALL = (
    "SELECT index, revision, stage, probabilities, confidence FROM noctis_known_predictions"
)
KNOWN = f"""{_KNOWN_CALL}(
    %(tenant)b::integer, %(recording)b::integer, %(started)b, %(model)b::smallint,
    %(role)b::smallint, %(pass)b::smallint, %(first)b::integer, %(last)b::integer, %(hash)b)
"""
_KNOWN = Prepared(
    "known_predictions",
    f"{_KNOWN_CALL}($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    (23, 23, 1184, 21, 21, 21, 23, 23, 17),
)

# The aggregates of one group see its rows in one order, whichever it is.
KNOWN_EACH = """
SELECT array_agg(epoch_index), string_agg(input_hash, ''::bytea)
FROM inference_prediction
WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
  AND window_end_ts > %(after)s AND window_end_ts <= %(until)s
  AND model_id = %(model)s AND role = %(role)s AND pass = %(pass)s
"""


@dataclass(frozen=True)
class Occasion:
    """Whose night is staged, by which version, what for, and who asked."""

    tenant_id: int
    recording_id: int
    started_at: datetime
    model_id: int
    role: Role
    staging_pass: Pass
    request_id: str = ""
    client_id: int | None = None


@dataclass(frozen=True)
class Given:
    """Stages that a version gave: in index order, each epoch once, and every one with a stage."""

    index: Ints  # (predictions,) on the recording's grid
    stages: NDArray[Any]  # (predictions,) codes of recordings.stages
    probabilities: Floats  # (predictions, labels)
    confidence: Floats  # (predictions,)
    hashes: bytes  # 16 bytes each, or 16 where all come from the same inputs

    def __len__(self) -> int:
        return len(self.index)

    def only(self, wanted: Bools) -> "Given":
        """Of those with a hash each."""
        hashes = np.frombuffer(self.hashes, np.uint8).reshape(-1, HASH_SIZE)
        return Given(
            self.index[wanted],
            self.stages[wanted],
            self.probabilities[wanted],
            self.confidence[wanted],
            hashes[wanted].tobytes(),
        )


@dataclass(frozen=True)
class Logged:
    """The same as the log has them; `is_known` where they were there before."""

    index: Ints  # (predictions,)
    stages: Ints  # (predictions,)
    probabilities: Floats  # (predictions, labels)
    confidence: Floats  # (predictions,)
    revision: Ints  # (predictions,)
    is_known: Bools  # (predictions,)

    def __len__(self) -> int:
        return len(self.index)

    def only(self, wanted: Bools) -> "Logged":
        return Logged(
            self.index[wanted],
            self.stages[wanted],
            self.probabilities[wanted],
            self.confidence[wanted],
            self.revision[wanted],
            self.is_known[wanted],
        )


def known(occasion: Occasion, index: range, input_hash: bytes) -> Logged | None:
    """What the log has of a night's places that came from just these inputs; None where nothing."""
    session = session_at_hand()
    if session is None:
        named = _named(occasion) | {"first": index[0], "last": index[-1], "hash": input_hash}
        ((places, *said),) = queries.arrays(KNOWN, named)
    else:
        bounds = packing.int4(index[0]), packing.int4(index[-1])
        values = [*_packed(occasion), *bounds, input_hash]
        ((places, *said),) = queries.prepared_arrays(session, _KNOWN, values)
    if places is None:
        return None
    order = np.argsort(places)
    revision, stages, probabilities, confidence = said
    return Logged(
        places[order].astype(np.int64),
        stages[order].astype(np.int64),
        probabilities.reshape(len(order), -1)[order].astype(np.float32),
        confidence[order].astype(np.float32),
        revision[order].astype(np.int64),
        np.ones(len(order), bool),
    )


def known_each(occasion: Occasion, first: int, hashes: bytes) -> Bools:
    """(places,) from `first` on, 16 bytes each: which the log has from just these inputs."""
    wanted = np.frombuffer(hashes, np.uint8).reshape(-1, HASH_SIZE)
    is_known = np.zeros(len(wanted), bool)
    bounds = {
        "after": grid.epoch_start(occasion.started_at, first),
        "until": grid.epoch_start(occasion.started_at, first + len(wanted)),
    }
    ((index, found),) = queries.arrays(KNOWN_EACH, _named(occasion) | bounds)
    if index is not None:
        places = index.astype(np.int64) - first
        kept = np.frombuffer(found, np.uint8).reshape(-1, HASH_SIZE)
        is_known[places[(wanted[places] == kept).all(axis=1)]] = True
    return is_known


def log(occasion: Occasion, given: Given, latency_us: int) -> Logged:
    """Log what is new and answer with what the log says. Outside a transaction it is committed."""
    if not len(given):
        return Logged(given.index, given.stages, given.probabilities, given.confidence, *_NOTHING)
    ((verdict, revision, known, *said),) = _answer(occasion, given, latency_us)
    if verdict != "ok":
        raise errors.Missing
    is_known = np.zeros(len(given), bool)
    stages, probabilities = given.stages.astype(np.int64), given.probabilities
    confidence = given.confidence
    if known is not None:
        probabilities, confidence = probabilities.copy(), confidence.copy()
        at = known.astype(np.int64) - 1
        is_known[at] = True
        stages[at], probabilities[at], confidence[at] = (
            said[0],
            said[1].reshape(len(at), -1),
            said[2],
        )
    return Logged(
        given.index, stages, probabilities, confidence, revision.astype(np.int64), is_known
    )


_NOTHING = (np.empty(0, np.int64), np.empty(0, bool))


def _answer(occasion: Occasion, given: Given, latency_us: int) -> list[tuple[Any, ...]]:
    session = session_at_hand()
    if session is None:
        return queries.arrays(LOG, _values(occasion, given, latency_us))
    return queries.prepared_arrays(session, _PREPARED, _packed_values(occasion, given, latency_us))


def _values(occasion: Occasion, given: Given, latency_us: int) -> dict[str, Any]:
    return _named(occasion) | {
        "index": PackedInts.of(given.index.astype(np.int32)),
        "stage": PackedInts.of(given.stages.astype(np.int32)),
        "width": given.probabilities.shape[1],
        "probabilities": PackedFloats.of(given.probabilities),
        "confidence": PackedFloats.of(given.confidence),
        "hash": given.hashes,
        "latency_us": latency_us,
        "request": occasion.request_id,
        "client": occasion.client_id,
    }


def _packed_values(occasion: Occasion, given: Given, latency_us: int) -> list[bytes | None]:
    """The same in PostgreSQL's binary form, in the function's order."""
    client = occasion.client_id
    return [
        *_packed(occasion),
        PackedInts.of(given.index.astype(np.int32)).raw,
        PackedInts.of(given.stages.astype(np.int32)).raw,
        packing.int4(given.probabilities.shape[1]),
        PackedFloats.of(given.probabilities).raw,
        PackedFloats.of(given.confidence).raw,
        given.hashes,
        packing.int4(latency_us),
        occasion.request_id.encode(),
        None if client is None else packing.int4(client),
    ]


def _named(occasion: Occasion) -> dict[str, Any]:
    return {
        "tenant": occasion.tenant_id,
        "recording": occasion.recording_id,
        "started": occasion.started_at,
        "model": occasion.model_id,
        "role": int(occasion.role),
        "pass": int(occasion.staging_pass),
    }


def _packed(occasion: Occasion) -> list[bytes]:
    return [
        packing.int4(occasion.tenant_id),
        packing.int4(occasion.recording_id),
        packing.instant(occasion.started_at),
        packing.int2(occasion.model_id),
        packing.int2(occasion.role),
        packing.int2(occasion.staging_pass),
    ]
