"""A question and its answer: which epochs, which version and pass, staged, and logged for good."""

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from inference import engine, queries
from inference.engine import Night, Window
from inference.models import Pass, Role
from inference.queries import StoredNight
from inference.refusals import ModelUnavailable, NotEnoughEpochs
from inference.rows import Given, Logged, Occasion
from inference.services import pending, predictions
from inference.services.predictions import Work
from inference.serving import Served, Snapshot
from noctis import errors, metrics
from recordings import grid, refusals
from recordings.batches import EpochBatch
from tenants.models import Tenant

_DURATIONS = {one: metrics.INFERENCE_DURATION.labels(staging_pass=one.name.lower()) for one in Pass}


class Scope(StrEnum):
    LATEST = "latest"
    PENDING = "pending"
    ALL = "all"


@dataclass(frozen=True)
class Question:
    """About a recording's stored epochs, or about those that are sent along."""

    recording: UUID
    scope: Scope
    inline: EpochBatch | None = None


@dataclass(frozen=True)
class Asker:
    """On whose behalf, and what the log says of the request."""

    tenant: Tenant
    request_id: str
    client_id: int | None = None


@dataclass(frozen=True)
class Answer:
    """Logged predictions, all of one version and pass."""

    recording: UUID
    occasion: Occasion
    served: Served
    logged: Logged
    seconds: float


def pass_of(*, scope: Scope, is_over: bool) -> Pass:
    """Say how a question is answered; inline epochs are a night that is over."""
    return Pass.NIGHT if is_over and scope != Scope.LATEST else Pass.LIVE


def served_by(*, snapshot: Snapshot, staging_pass: Pass) -> Served:
    """Find what serves a pass, or say that nothing does."""
    family = staging_pass.name.lower()
    served = snapshot.of(family)
    if served is None:
        metrics.MODEL_UNAVAILABLE.labels(family=family).inc()
        raise ModelUnavailable(retry_after_s=1)
    return served


def predict(*, question: Question, asker: Asker, snapshot: Snapshot) -> Answer:
    """Answer a question with predictions that are logged when it is answered."""
    started = time.perf_counter()
    found, work = _asked(question, asker, snapshot)
    metrics.WINDOW_BUILD_DURATION.observe(time.perf_counter() - started)
    occasion = Occasion(
        asker.tenant.pk,
        found.recording_id,
        found.started_at,
        work.served.model_id,
        Role.PRODUCTION if question.inline is None else Role.INLINE,
        work.staging_pass,
        asker.request_id,
        asker.client_id,
    )
    logged = predictions.known(occasion=occasion, work=work)
    if logged is None:
        given = _given(question, asker, occasion, work)
        latency_us = round((time.perf_counter() - started) * 1e6)
        logged = predictions.log(
            occasion=occasion, given=given, served=work.served, latency_us=latency_us
        )
    if question.scope == Scope.PENDING:
        logged = logged.only(~logged.is_known)
    seconds = time.perf_counter() - started
    _DURATIONS[work.staging_pass].observe(seconds)
    return Answer(question.recording, occasion, work.served, logged, seconds)


def _asked(question: Question, asker: Asker, snapshot: Snapshot) -> tuple[StoredNight, Work]:
    """The recording, and what of it is to be staged by which version."""
    if question.inline is not None:
        found = _found(question, asker, newest=0)
        staging_pass = pass_of(scope=question.scope, is_over=True)
        served = served_by(snapshot=snapshot, staging_pass=staging_pass)
        night = _sent(question.inline, found)
    elif question.scope == Scope.LATEST:
        staging_pass, served = Pass.LIVE, served_by(snapshot=snapshot, staging_pass=Pass.LIVE)
        found = _found(question, asker, newest=served.model.reach)
        night = _stored(found, served, served.model.reach)
    else:
        found = _found(question, asker)
        staging_pass = pass_of(scope=question.scope, is_over=found.is_over)
        served = served_by(snapshot=snapshot, staging_pass=staging_pass)
        night = _stored(found, served)
    newest = 1 if question.scope == Scope.LATEST else len(night)
    return found, Work(asker.tenant.pk, served, night, staging_pass, newest)


def _found(question: Question, asker: Asker, newest: int = grid.MAX_EPOCHS) -> StoredNight:
    found = queries.night_of(asker.tenant, question.recording, newest)
    if found is None:
        raise errors.Missing
    return found


def _stored(found: StoredNight, served: Served, newest: int = grid.MAX_EPOCHS) -> Night:
    """The newest places on the grid that are stored, if the version speaks their schema."""
    if not len(found.schema_ids):
        raise _not_enough(served.model.window)
    if found.schema_ids != {served.schema_id}:
        spoken = served.manifest.schema_version
        raise refusals.FeatureSchemaMismatch(f"{served.version} takes epochs in {spoken} alone.")
    return found.laid_out(max((found.last_index or 0) + 1 - newest, 0))


def _sent(batch: EpochBatch, found: StoredNight) -> Night:
    """Epochs that were sent along, by themselves: what is stored around them is not looked at."""
    if off := batch.off_grid(found.started_at.timestamp()).tolist():
        detail = f"more than {grid.TOLERANCE_S} s from started_at + index * {grid.EPOCH_S} s"
        named = [errors.Problem("/epochs", "off_grid", detail, epoch_index=i) for i in off]
        raise refusals.EpochOffGrid(problems=named)
    return queries.laid_out(batch.index.astype("i8"), batch.features, int(batch.index[0]))


def _given(question: Question, asker: Asker, occasion: Occasion, work: Work) -> Given:
    """The stages that were asked for, if there is any."""
    if question.scope == Scope.PENDING and work.staging_pass == Pass.LIVE:
        left = pending.given(occasion=occasion, work=work)
        if left is None:
            raise _not_enough(work.served.model.window)
        return left
    given = predictions.stage(work).given()
    if not len(given) and question.scope == Scope.LATEST:
        given = predictions.stage(_of_newest(question, asker, work)).given()
    if not len(given):
        raise _not_enough(work.served.model.window)
    return given


def _of_newest(question: Question, asker: Asker, work: Work) -> Work:
    """The newest epoch that has its window, however long ago, where the last one has none."""
    model, night = work.served.model, work.night
    place = engine.newest_stageable(model, night)
    # What was read of a stored night is one epoch's reach: another than the last lacks some of it.
    if question.inline is None and place != len(night) - 1:
        night = _stored(_found(question, asker), work.served)
        place = engine.newest_stageable(model, night)
    if place is None:
        raise _not_enough(model.window)
    return replace(work, night=replace(night, features=night.features[: place + 1]))


def _not_enough(window: Window) -> NotEnoughEpochs:
    needed = f"{window.minimum_known} known epochs of the {window.length} that its model looks at"
    return NotEnoughEpochs(f"A stage needs {needed}.")
