"""Stages are given and logged: what every pass over a night has in common, whoever asks for it."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import structlog
from prometheus_client import Counter

from inference import cache, engine, plausibility, rows
from inference.cache import CACHE
from inference.engine import Night, Staged
from inference.engine.nights import Floats, Ints
from inference.models import Pass
from inference.plausibility import UNJUDGED, Plausibility
from inference.refusals import ModelUnavailable
from inference.rows import HASH_SIZE, Given, Logged, Occasion
from inference.serving import Served
from noctis import metrics

events = structlog.get_logger(__name__)
# What a version cannot be run on, it can be run on no sooner than another serves.
FAILED_AGAIN_AFTER_S = 60
LOG_HITS = metrics.CACHE_HITS.labels(kept_in="log")
LOG_MISSES = metrics.CACHE_MISSES.labels(kept_in="log")
MEMORY_HITS = metrics.CACHE_HITS.labels(kept_in="memory")
MEMORY_MISSES = metrics.CACHE_MISSES.labels(kept_in="memory")
UNKNOWN = np.array([np.nan], "<f4").tobytes()


@dataclass(frozen=True)
class Work:
    """What is staged: a night by the night pass, or the newest epochs of one by the live pass."""

    tenant_id: int
    served: Served
    night: Night
    staging_pass: Pass
    newest: int = 0  # at most as many as there are

    @cached_property
    def hashes(self) -> bytes:
        """What the version looks at: 16 bytes for each epoch, or 16 for the night."""
        if self.staging_pass == Pass.NIGHT:
            return _hash_of_night(self)
        return b"".join(_hashes_of_live(self))


@dataclass(frozen=True)
class Staging:
    """What a version says of each epoch, and the hash of all that this depends on."""

    index: Ints  # (epochs,) on the recording's grid
    staged: Staged
    hashes: bytes  # 16 bytes each, or 16 where all come from the same inputs
    # Of a night; the newest epochs of one are judged when it is over.
    plausibility: Plausibility = UNJUDGED

    def given(self) -> Given:
        """The epochs that have a stage."""
        staged = self.staged
        places = np.flatnonzero(staged.is_staged)
        hashes = self.hashes
        if len(places) == len(staged):
            return Given(self.index, staged.stages, staged.probabilities, staged.confidence, hashes)
        if len(hashes) > HASH_SIZE:
            each = np.frombuffer(hashes, np.uint8).reshape(-1, HASH_SIZE)
            hashes = each[places].tobytes()
        return Given(
            self.index[places],
            staged.stages[places],
            staged.probabilities[places],
            staged.confidence[places],
            hashes,
        )


def stage(work: Work) -> Staging:
    """Stage without logging; the same inputs as a moment ago are not looked at again."""
    night, hashes = work.night, work.hashes
    index = np.arange(night.first_index, night.first_index + len(night), dtype=np.int64)
    if work.staging_pass == Pass.LIVE:
        index = index[len(index) - work.newest :]
    judged = _judged(work)
    staged = _remembered(work, hashes)
    if judged.is_implausible:
        # What no sleeper sent says nothing of sleep, however sure the version is of it.
        staged = plausibility.undecided(staged)
    return Staging(index, staged, hashes, judged)


def _judged(work: Work) -> Plausibility:
    if work.staging_pass != Pass.NIGHT:
        return UNJUDGED
    return plausibility.plausibility_of(work.night.features, work.served.model.features)


def _remembered(work: Work, hashes: bytes) -> Staged:
    if not cache.is_worth_it(work.served.model):
        return _staged(work)
    key = cache.Key(
        work.tenant_id,
        work.served.artifact_hash,
        work.served.manifest.schema_version,
        hashes if len(hashes) == HASH_SIZE else blake2b(hashes, digest_size=HASH_SIZE).digest(),
    )
    found = CACHE.get(key)
    counter = MEMORY_MISSES if found is None else MEMORY_HITS
    if found is None:
        found = _staged(work)
        CACHE.put(key, found)
    counter.inc(len(found))
    return found


def _staged(work: Work) -> Staged:
    with named_if_it_fails(work):
        if work.staging_pass == Pass.NIGHT:
            return engine.stage_night(work.served.model, work.night)
        return engine.stage_live(work.served.model, work.night, work.newest)


@contextmanager
def named_if_it_fails(work: Work) -> Iterator[None]:
    """A version that cannot be run on a night serves it as little as one that is not loaded."""
    try:
        yield
    except engine.ModelFailed as error:
        version = work.served.version
        events.warning("model_failed", version=version, exc_info=True)
        metrics.MODEL_UNAVAILABLE.labels(family=work.staging_pass.name.lower()).inc()
        raise ModelUnavailable(
            f"{version} cannot be run on these epochs.", retry_after_s=FAILED_AGAIN_AFTER_S
        ) from error


def _hash_of_night(work: Work) -> bytes:
    digest = blake2b(_named(work), digest_size=HASH_SIZE)
    digest.update(work.night.first_index.to_bytes(4))
    digest.update(_bytes(work.night.features))
    return digest.digest()


def _hashes_of_live(work: Work) -> Iterator[bytes]:
    """Of each of the newest epochs: the epochs up to it that its stage depends on, and its place.

    Its neighbours share those bytes, a hash cannot: so here each epoch takes its turn."""
    features, newest, reach = work.night.features, work.newest, work.served.model.reach
    wanted = newest + reach - 1
    known = features[max(len(features) - wanted, 0) :]
    row = 4 * features.shape[1]
    before = UNKNOWN * ((wanted - len(known)) * features.shape[1])
    seen = memoryview(before + _bytes(known))
    named = blake2b(_named(work), digest_size=HASH_SIZE)
    first = work.night.first_index + len(features) - newest
    for place in range(newest):
        digest = named.copy()
        digest.update((first + place).to_bytes(4))
        digest.update(seen[place * row : (place + reach) * row])
        yield digest.digest()


def _named(work: Work) -> bytes:
    served = work.served
    spoken = served.manifest.schema_version
    told = (str(engine.ENGINE_REVISION), served.artifact_hash, spoken, work.staging_pass.name)
    return "\n".join(told).encode()


def _bytes(features: Floats) -> bytes:
    return np.ascontiguousarray(features, "<f4").tobytes()


def known(*, occasion: Occasion, work: Work) -> Logged | None:
    """What was given of a whole night before, from the same inputs; None where it was not.

    Asked before staging, which costs more; for the newest epochs `log` says it by the way."""
    night = work.night
    if work.staging_pass != Pass.NIGHT or not len(night):
        return None
    places = range(night.first_index, night.first_index + len(night))
    logged = rows.known(occasion, places, work.hashes)
    if logged is not None:
        _count(logged, work.served)
    return logged


def log(*, occasion: Occasion, given: Given, served: Served, latency_us: int) -> Logged:
    """Log stages that were given, once for the same inputs, and count them."""
    logged = rows.log(occasion, given, latency_us)
    _count(logged, served)
    return logged


def _count(logged: Logged, served: Served) -> None:
    known = int(np.count_nonzero(logged.is_known))
    if known:
        LOG_HITS.inc(known)
    if len(logged) > known:
        LOG_MISSES.inc(len(logged) - known)
    _predictions_by(served.version).inc(len(logged))
    metrics.observe_all(metrics.PREDICTION_CONFIDENCE, logged.confidence)


@functools.cache
def _predictions_by(version: str) -> Counter:
    """To look a label up takes longer than to count."""
    return metrics.PREDICTIONS.labels(model_version=version)
