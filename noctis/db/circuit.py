"""The circuit of a dependency: after some failures in a row nobody waits for it any more.

State is this process's own; each process finds out for itself, by one probe at a time.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Dependency:
    """What is behind a circuit: how it fails, what its callers are told, where it is counted."""

    name: str
    failures: tuple[type[Exception], ...]
    refusal: type[errors.Refusal]
    told: metrics.CircuitMetrics


OF_THE_DATABASE = Dependency("db", FAILURES, CircuitOpen, metrics.DATABASE_CIRCUIT)


class Circuit:
    """Closed, until `threshold` failures in a row open it; then one call probes now and again.

    The pauses double from a second up to `recovery_s`: a short outage is over as soon as it is
    over, a long one is not hammered.
    """

    def __init__(
        self, *, threshold: int, recovery_s: float, dependency: Dependency | None = None
    ) -> None:
        self.threshold = threshold
        self.recovery_s = recovery_s
        self.dependency = dependency or OF_THE_DATABASE
        self._told = self.dependency.told
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
        self._told.state.set(CLOSED)
        for told in (self._told.failures, self._told.opened_at, self._told.retry_at):
            told.set(0)

    def check(self, probe: Callable[[], None]) -> None:
        """Refuse while open. When its time is over one caller probes; the others are refused."""
        if self._opened_at is None:
            return
        if not self._may_probe():
            raise self._refusal()
        try:
            probe()
        except self.dependency.failures as error:
            self._count()
            self._open(type(error).__name__)
            raise self._refusal() from error
        finally:
            self._is_probing = False
        self.reset()
        log.info(f"{self.dependency.name}_circuit_closed")

    def _refusal(self) -> errors.Refusal:
        return self.dependency.refusal(retry_after_s=self._retry_after_s())

    def note_failure(self, reason: str) -> None:
        """Only failures to reach the dependency; one that answers, even with a no, is there."""
        if self._count() >= self.threshold and self._opened_at is None:
            self._open(reason)

    def _count(self) -> int:
        with self._lock:
            self._failures += 1
            self._told.failures.set(self._failures)
            return self._failures

    def note_success(self) -> None:
        if self._failures and self._opened_at is None:
            self._failures = 0
            self._told.failures.set(0)

    def _open(self, reason: str) -> None:
        self._pause_s = min(self.recovery_s, 2 * self._pause_s or FIRST_PAUSE_S)
        if self._opened_at is None:
            self._told.opened_at.set_to_current_time()
        self._opened_at = time.monotonic()
        self._told.opened.inc()
        self._told.state.set(OPEN)
        self._told.retry_at.set(time.time() + self._pause_s)
        event = f"{self.dependency.name}_circuit_opened"
        log.error(event, reason=reason, failures=self._failures)

    def _may_probe(self) -> bool:
        with self._lock:
            if self._is_probing or self._left_s() > 0:
                return False
            self._is_probing = True
        self._told.state.set(PROBING)
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
