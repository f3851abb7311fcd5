"""Stress runs: asked for, done by one worker in a tenant of its own, and cleaned up after."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from inference import serving
from inference.services import predict
from inference.services.predict import Asker, Question, Scope
from noctis import errors
from operations import processes, stress
from operations.models import StressRun
from operations.refusals import StressOver, StressRefused, StressRunning
from operations.services import synthetic
from operations.stress import Profile
from recordings.batches import EpochBatch
from recordings.models import Recording
from recordings.services import epochs, schemas
from recordings.services.epochs import Source
from tenants.models import AuditEntry, Tenant
from tenants.services import audit
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
DOER = Actor("stress", AuditEntry.Channel.TASK)
SILENT = timedelta(minutes=5)
Status = StressRun.Status


class Cancelled(Exception):
    """Somebody wants it to end: what was measured stays."""


class TookTooLong(Exception):
    """The run is over its time: what was measured stays, and it has failed."""


def require_possible() -> None:
    """Refuse where no run may begin now: in production, or beside another."""
    if settings.PRODUCTION and not settings.STRESS_IN_PRODUCTION:
        raise StressRefused
    if under_way := StressRun.objects.filter(is_active=True).first():
        raise StressRunning(f"{under_way}, asked for by {under_way.requested_by}, has not ended.")


def request_run(*, profile: Profile, actor: Actor, reason: str = "") -> StressRun:
    """Write down that a run is wanted, audited; a worker does it."""
    require_possible()
    now = timezone.now()
    facts = {"requested_by": actor.name, "requested_at": now, "heard_at": now}
    try:
        with transaction.atomic():
            run = StressRun.objects.create(profile=asdict(profile), total=profile.steps, **facts)
            _record(run, actor, reason, "stress.run", asdict(profile))
    except IntegrityError as error:
        if "stress_run_one_at_a_time" not in str(error):
            raise
        raise StressRunning from None
    return run


def cancel_run(*, run: StressRun, actor: Actor, reason: str) -> StressRun:
    """End it: at once where no worker has begun, within a second or a call where one has."""
    with transaction.atomic():
        row: StressRun = StressRun.objects.select_for_update().get(pk=run.pk)
        if not row.is_active or row.cancelled_at:
            raise StressOver
        row.cancelled_at = timezone.now()
        if row.status == Status.QUEUED:
            row.status, row.is_active, row.finished_at = Status.CANCELLED, False, row.cancelled_at
        row.save(update_fields=["cancelled_at", "status", "is_active", "finished_at"])
        _record(row, actor, reason, "stress.cancel", {"done": row.done, "total": row.total})
    return row


def _record(row: StressRun, actor: Actor, reason: str, action: str, facts: audit.Facts) -> None:
    if platform := Tenant.objects.platform().first():
        audit.record(
            actor=actor,
            tenant=platform,
            action=action,
            subject=row,
            change=(None, facts),
            reason=reason,
        )


def run(*, run_id: int) -> None:
    """Do a run that is active, from its beginning, whatever a worker before had done of it."""
    row = StressRun.objects.filter(pk=run_id, is_active=True).first()
    if row is None:
        return
    _clean_up(row)
    tenant = synthetic.open_tenant(name=f"stress run {row.uuid}", actor=DOER)
    now = timezone.now()
    has_begun = StressRun.objects.filter(pk=row.pk, is_active=True).update(
        status=Status.RUNNING, started_at=now, heard_at=now, tenant_slug=tenant.slug, done=0
    )
    if not has_begun:  # cancelled since
        synthetic.remove_tenant(tenant=tenant)
        return
    row.refresh_from_db()
    work = _Work(row, Profile(**row.profile), tenant)
    failure = ""
    try:
        work.do()
    except Cancelled:
        failure = Status.CANCELLED.value
    except (errors.Refusal, TookTooLong) as error:
        failure = getattr(getattr(error, "row", None), "code", type(error).__name__)
    finally:
        _end(row, work, failure)


def end_abandoned(*, at: datetime) -> int:
    """End the runs whose worker is gone, and remove what they left."""
    ended = 0
    for row in StressRun.objects.filter(is_active=True, heard_at__lt=at - SILENT):
        _clean_up(row)
        facts = {"status": Status.FAILED, "failure": "abandoned", "finished_at": at}
        ended += StressRun.objects.filter(pk=row.pk).update(is_active=False, **facts)
    return ended


def _clean_up(row: StressRun) -> None:
    for tenant in Tenant.objects.filter(slug=row.tenant_slug) if row.tenant_slug else ():
        synthetic.remove_tenant(tenant=tenant)


def _end(row: StressRun, work: "_Work", failure: str) -> None:
    """Also when a bug ends it: the tenant goes, and the run is over."""
    _clean_up(row)
    is_done = not failure and work.is_complete
    is_cancelled = failure == Status.CANCELLED
    ended = Status.CANCELLED if is_cancelled else Status.FAILED
    StressRun.objects.filter(pk=row.pk).update(
        status=Status.DONE if is_done else ended,
        failure="" if is_done or is_cancelled else failure or "broken_off",
        is_active=False,
        finished_at=timezone.now(),
        done=work.done,
        results=work.results(),
        points=work.points,
    )


def _append(source: Source, schema_id: int, batch: EpochBatch) -> int:
    return epochs.append_epochs(source=source, schema_id=schema_id, batch=batch).inserted


def _answer(question: Question, asker: Asker) -> int:
    snapshot = serving.current().seen_by(asker.tenant.pk)
    answer = predict.predict(question=question, asker=asker, snapshot=snapshot)
    return len(answer.logged)


@dataclass
class _Part:
    latencies: list[float] = field(default_factory=list)
    units: int = 0
    failed: int = 0


@dataclass
class _Work:
    """One run under way; tells its row how far it is once a second."""

    row: StressRun
    profile: Profile
    tenant: Tenant
    done: int = 0
    is_complete: bool = False
    points: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, _Part] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0

    def do(self) -> None:
        self._note_memory("start")
        start = timezone.now().replace(microsecond=0) - timedelta(hours=self.profile.hours)
        count = self.profile.device_count
        opened = synthetic.open_nights(
            tenant=self.tenant, count=count, started_at=start, actor=DOER
        )
        for number, night in enumerate(opened):
            self._ingest(night, self.profile.seed + number)
        if self.profile.questions:
            self._ask(opened)
        self._note_memory("end")
        self.is_complete = True

    def _ingest(self, night: Recording, seed: int) -> None:
        spoken = schemas.active()
        source = Source(self.tenant, night.uuid)
        made = synthetic.batches_of(
            schema=list(spoken.features),
            epochs=self.profile.epochs,
            size=self.profile.ingest_batch_size,
            seed=seed,
        )
        for batch in made:
            self._timed("ingest", partial(_append, source, spoken.id, batch))

    def _ask(self, opened: list[Recording]) -> None:
        asker = Asker(self.tenant, str(self.row.uuid))
        for number in range(self.profile.questions):
            question = Question(opened[number % len(opened)].uuid, Scope.LATEST)
            self._timed("inference", partial(_answer, question, asker))

    def _timed(self, name: str, call: Callable[[], int]) -> None:
        part = self.parts.setdefault(name, _Part())
        started = time.perf_counter()
        try:
            part.units += call()
        except errors.Unavailable:
            part.failed += 1
        part.latencies.append(time.perf_counter() - started)
        self.done += 1
        if time.monotonic() - self.told >= 1:
            self._tell()
        if time.monotonic() - self.began > stress.LONGEST_S:
            raise TookTooLong

    def _tell(self) -> None:
        self.told = time.monotonic()
        self._note_memory("now")
        point = {"s": round(self.told - self.began, 1), "memory": self.memory["now"]}
        for name, part in self.parts.items():
            latest = sorted(part.latencies[-200:])
            point |= {f"{name}_p95_ms": 1000 * stress.percentile(latest, 0.95)}
            point |= {f"{name}_units": part.units}
        self.points = [*self.points, point][-stress.MOST_POINTS :]
        is_wanted = StressRun.objects.filter(pk=self.row.pk, cancelled_at=None).update(
            done=self.done, heard_at=timezone.now(), points=self.points
        )
        if not is_wanted:
            raise Cancelled

    def _note_memory(self, when: str) -> None:
        self.memory[when] = processes.memory_bytes(os.getpid()) or 0
        self.memory["peak"] = max(self.memory.get("peak", 0), self.memory[when])

    def results(self) -> dict[str, Any]:
        measured: dict[str, Any] = {
            name: stress.told(part.latencies, units=part.units, failed=part.failed)
            for name, part in self.parts.items()
            # Nights that only had to be there are no measurement.
            if name == self.profile.mode or self.profile.mode == "both"
        }
        return measured | {"memory_bytes": self.memory}
