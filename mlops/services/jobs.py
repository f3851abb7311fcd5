"""A job is claimed, renewed while somebody is at it, and ended once: from rows alone.

A worker that dies lets its claim lapse; the sweep finds the row again, a few times at most."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.db import OperationalError, transaction
from django.utils import timezone

from mlops.models import Job
from noctis import context, errors
from tenants.services.audit import Actor

HELD_FOR = timedelta(seconds=60)
MOST_TRIES = 3
LONGEST_LOG = 6_000
LONGEST_ERROR = 500
Status = Job.Status
AnyJob = TypeVar("AnyJob", bound=Job)


class LostClaim(Exception):
    """Somebody else holds the job by now, or ended it: whatever was done counts for nothing."""


def asked_by(*, actor: Actor) -> dict[str, str]:
    """Say who asked for a job, and in which request."""
    return {"requested_by": actor.name[:200], "request_id": context.request_id()}


def claim_job(*, kind: type[AnyJob], pk: int) -> AnyJob | None:
    """Take a job that is due, for a minute at first; None where it is not, or is given up."""
    with transaction.atomic():
        now = timezone.now()
        due = kind.objects.due(now).select_for_update(of=("self",), skip_locked=True)
        job: AnyJob | None = due.select_related("tenant").filter(pk=pk).first()
        if job is None:
            return None
        if job.tries >= MOST_TRIES:
            _end(job, Status.FAILED, error=f"Its worker died {MOST_TRIES} times.")
            return None
        job.status, job.tries, job.held_until = Status.RUNNING, job.tries + 1, now + HELD_FOR
        job.started_at = job.started_at or now
        job.save(update_fields=["status", "tries", "held_until", "started_at"])
    return job


def note_progress(*, job: Job, progress: float, says: str = "") -> None:
    """Say how far it is and hold it for another minute; LostClaim where it is no longer ours."""
    if says:
        job.log = f"{job.log}{timezone.now():%H:%M:%S} {says}\n"[-LONGEST_LOG:]
    job.progress = min(max(progress, 0.0), 1.0)
    facts = {"progress": job.progress, "log": job.log, "held_until": timezone.now() + HELD_FOR}
    if not _ours(job).update(**facts):
        raise LostClaim(str(job))


def end_job(*, job: Job, **facts: Any) -> None:
    """Mark it as done, with what came of it, in the transaction of the outcome itself."""
    for name, value in facts.items():
        setattr(job, name, value)
    known = {field.name for field in job._meta.concrete_fields}
    _end(job, Status.DONE, progress=1.0, **{name: facts[name] for name in facts.keys() & known})


def fail_job(*, job: Job, error: str) -> None:
    """Mark it as failed and say why; that is the end of it."""
    _end(job, Status.FAILED, error=error[:LONGEST_ERROR] or "It failed without a word.")


def _end(job: Job, status: str, **facts: Any) -> None:
    ended = {"status": status, "finished_at": timezone.now(), "held_until": None, **facts}
    rows = type(job).objects.filter(pk=job.pk, tries=job.tries).alive()
    if not rows.update(**ended):
        raise LostClaim(str(job))
    for name, value in ended.items():
        setattr(job, name, value)


def _ours(job: Job) -> Any:
    return type(job).objects.filter(pk=job.pk, status=Status.RUNNING, tries=job.tries)


@contextmanager
def failing(job: Job) -> Iterator[None]:
    """What is refused ends the job with the reason; a bug ends it too and goes on to the log.

    A database that is away ends nothing: the claim lapses, and the job is due again."""
    try:
        yield
    except (LostClaim, OperationalError):
        raise
    except errors.Refusal as refused:
        fail_job(job=job, error=f"{refused.row.code}: {refused.detail}")
    except Exception as error:
        fail_job(job=job, error=f"{type(error).__name__}; the log has the whole.")
        raise
