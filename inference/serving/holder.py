"""The one reference that requests read, and the thread that keeps it up to date.

Begun by the first who asks, in each process by itself: nothing of it outlives a fork.
"""

import os
import threading
import time
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import Error, connection

from inference.models import ModelEvent
from inference.serving import board, snapshot
from inference.serving.snapshot import Failure, Snapshot
from noctis import errors, faults, metrics

log = structlog.get_logger(__name__)
# Redis may have missed a change, and an artifact that failed may have been put right.
ASK_DATABASE_S = 5.0
TRY_AGAIN_S = 30.0

NOTHING = Snapshot()

_lock = threading.Lock()
_snapshot = NOTHING
_is_begun = False
_follower: threading.Thread | None = None


def current() -> Snapshot:
    """What serves now. Take it once for each answer, and all of the answer is of one."""
    if not _is_begun:
        _begin()
    if faults.source is not None and faults.found(faults.Kind.MODEL_UNAVAILABLE):
        return NOTHING
    return _snapshot


def _begin() -> None:
    """What is held already goes on serving: only the thread is begun anew then."""
    global _is_begun
    with _lock:
        if _snapshot is NOTHING:
            _load()
        _is_begun = True
    follow()


def refresh() -> Snapshot:
    """Load what should serve, now, in this process."""
    global _is_begun
    with _lock:
        _load()
        _is_begun = True
    return _snapshot


def _load() -> None:
    global _snapshot
    before = _snapshot
    after = snapshot.made(before)
    # The swap: whoever read the reference a moment ago keeps what it read.
    _snapshot = after
    _tell(before, after)
    board.report(snapshot.as_report(after))


def forget() -> None:
    """Serve nothing until somebody asks; for tests, and for the child of a fork."""
    global _snapshot, _is_begun, _follower, _lock
    _lock = threading.Lock()
    _snapshot, _is_begun, _follower = NOTHING, False, None


def _forget_parent() -> None:
    forget()
    board.forget_process()


os.register_at_fork(after_in_child=_forget_parent)


def follow() -> None:
    """Keep this process up to date from now on, by one thread."""
    global _follower
    with _lock:
        if not settings.MODEL_POLL_S or (_follower and _follower.is_alive()):
            return
        _follower = threading.Thread(target=_poll, name="serving", daemon=True)
        _follower.start()


def _poll() -> None:
    global _is_begun
    looked = _Looked()
    try:
        while threading.current_thread() is _follower:
            try:
                _look(looked, time.monotonic())
            except (Error, errors.Refusal) as error:
                log.warning("serving_not_checked", error=type(error).__name__)
            finally:
                connection.close()
            time.sleep(settings.MODEL_POLL_S)
    finally:
        # Should it end after all, the next request begins another instead of growing old unnoticed.
        if threading.current_thread() is _follower:
            _is_begun = False


@dataclass
class _Looked:
    """When the follower asked the database, and tried what had failed."""

    asked_at: float = -ASK_DATABASE_S
    tried_at: float = -TRY_AGAIN_S


def _look(looked: _Looked, now: float) -> None:
    is_asked = now - looked.asked_at >= ASK_DATABASE_S
    is_tried = bool(_snapshot.codes) and now - looked.tried_at >= TRY_AGAIN_S
    if _is_behind(is_asked=is_asked) or is_tried:
        looked.tried_at = now
        refresh()
    else:
        board.report(snapshot.as_report(_snapshot))
    if is_asked:
        looked.asked_at = now


def _is_behind(*, is_asked: bool) -> bool:
    """Redis says quickly that something may have changed; the database says whether."""
    published = board.generation()
    if published == _snapshot.generation and not is_asked:
        return False
    truth = snapshot.generation()
    if published != truth:
        board.publish(truth)
    return truth != _snapshot.generation


def _tell(before: Snapshot, after: Snapshot) -> None:
    """Log, metrics, and for a failure the event, which one process writes for all."""
    for family in ("live", "night"):
        old, new = before.of(family), after.of(family)
        if old is not None and (new is None or new.version != old.version):
            metrics.MODEL_INFO.labels(family, old.version).set(0)
        if new is not None and new is not old:
            metrics.MODEL_INFO.labels(family, new.version).set(1)
            metrics.MODEL_RELOADS.labels(family).inc()
            log.info("model_serves", family=family, version=new.version)
    for family, failure in _failures(after):
        metrics.MODEL_RELOAD_FAILURES.labels(family, failure.code).inc()
        log.error(
            "model_load_failed",
            family=family,
            version=failure.version,
            code=failure.code,
            detail=failure.detail,
            generation=after.generation,
        )
    _keep_events(after)


def _failures(after: Snapshot) -> list[tuple[str, Failure]]:
    """Of a family, or of no family where only those that pin the version are without it."""
    return [*after.failures.items(), *(("", one) for one in after.pin_failures.values())]


def _keep_events(after: Snapshot) -> None:
    events = [
        ModelEvent(
            version_id=failure.model_id,
            action=ModelEvent.Action.LOAD_FAILED,
            family=family,
            actor="platform",
            reason=f"{failure.code}: {failure.detail}"[:500],
            generation=after.generation,
        )
        for family, failure in _failures(after)
        if failure.model_id is not None
    ]
    if events:
        ModelEvent.objects.bulk_create(events, ignore_conflicts=True)
