"""The circuit of a dependency: after some failures in a row nobody waits for it any more.

State is this process's own; each process finds out for itself, by one probe at a time.
"""

import math
import threading
import time
from collections.abc import Callable

import structlog
from django.conf import settings

from noctis import errors, metrics
from noctis.db.failures import FAILURES

log = structlog.get_logger(__name__)
CLOSED, PROBING, OPEN = 0, 1, 2
FIRST_PAUSE_S = 1.0


class CircuitOpen(errors.Unavailable):
    row = errors.registered(
        "db_circuit_open",
        503,
        "The database is away",
        "The database failed several times in a row and is left alone for a while.",
        "Repeat after `Retry-After` with the same `Idempotency-Key`.",
        is_retryable=True,
    )


class Circuit:
    """Closed, until `threshold` failures in a row open it; then one call probes now and again.

    The pauses double from a second up to `recovery_s`: a short outage is over as soon as it is
    over, a long one is not hammered.
    """

    def __init__(self, *, threshold: int, recovery_s: float) -> None:
        self.threshold = threshold
        self.recovery_s = recovery_s
        self._lock = threading.Lock()
        self.reset()

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    def reset(self) -> None:
        """Forget every failure."""
        self._opened_at: float | None = None
        self._is_probing = False
        self._failures = 0
        self._pause_s = 0.0
        metrics.CIRCUIT_STATE.set(CLOSED)
        for told in (metrics.CIRCUIT_FAILURES, metrics.CIRCUIT_OPENED_AT, metrics.CIRCUIT_RETRY_AT):
            told.set(0)

    def check(self, probe: Callable[[], None]) -> None:
        """Refuse while open. When its time is over one caller probes; the others are refused."""
        if self._opened_at is None:
            return
        if not self._may_probe():
            raise CircuitOpen(retry_after_s=self._retry_after_s())
        try:
            probe()
        except FAILURES as error:
            self._count()
            self._open(type(error).__name__)
            raise CircuitOpen(retry_after_s=self._retry_after_s()) from error
        finally:
            self._is_probing = False
        self.reset()
        log.info("db_circuit_closed")

    def note_failure(self, reason: str) -> None:
        """Only failures to reach the dependency; one that answers, even with a no, is there."""
        if self._count() >= self.threshold and self._opened_at is None:
            self._open(reason)

    def _count(self) -> int:
        with self._lock:
            self._failures += 1
            metrics.CIRCUIT_FAILURES.set(self._failures)
            return self._failures

    def note_success(self) -> None:
        if self._failures and self._opened_at is None:
            self._failures = 0
            metrics.CIRCUIT_FAILURES.set(0)

    def _open(self, reason: str) -> None:
        self._pause_s = min(self.recovery_s, 2 * self._pause_s or FIRST_PAUSE_S)
        if self._opened_at is None:
            metrics.CIRCUIT_OPENED_AT.set_to_current_time()
        self._opened_at = time.monotonic()
        metrics.CIRCUIT_OPENED.inc()
        metrics.CIRCUIT_STATE.set(OPEN)
        metrics.CIRCUIT_RETRY_AT.set(time.time() + self._pause_s)
        log.error("db_circuit_opened", reason=reason, failures=self._failures)

    def _may_probe(self) -> bool:
        with self._lock:
            if self._is_probing or self._left_s() > 0:
                return False
            self._is_probing = True
        metrics.CIRCUIT_STATE.set(PROBING)
        return True

    def _left_s(self) -> float:
        opened_at = self._opened_at
        return 0.0 if opened_at is None else opened_at + self._pause_s - time.monotonic()

    def _retry_after_s(self) -> int:
        return max(1, math.ceil(self._left_s()))


DATABASE = Circuit(
    threshold=settings.DB_CIRCUIT_FAILURE_THRESHOLD,
    recovery_s=settings.DB_CIRCUIT_RECOVERY_SECONDS,
)
