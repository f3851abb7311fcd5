"""The work that beat does for a policy, with a record of how it went."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from operations.models import StoragePolicy
from operations.policies import SERIES, SUMMARIES, Kind
from operations.services import retention, summarising
from tenants.services.audit import Actor

EVERY = {Kind.REFRESH: timedelta(minutes=5), Kind.RETENTION: timedelta(hours=6)}
Counts = dict[str, int]


def refresh(*, at: datetime) -> Counts:
    """Sum up what changed of the last nights."""
    with _noted([f"{name}.{Kind.REFRESH}" for name in SUMMARIES]) as note:
        done = summarising.summarise(at=at)
        for name, nights in done.items():
            note(f"{name}.{Kind.REFRESH}", {"nights": nights})
    return done


def retain(*, at: datetime, actor: Actor) -> Counts:
    """Let go of what is past its retention, one series after the other."""
    found: Counts = {}
    for series in SERIES.values():
        name = f"{series.name}.{Kind.RETENTION}"
        with _noted([name]) as note:
            taken = retention.let_go(series=series, at=at, actor=actor)
            note(name, {"rows": taken.rows, "nights": taken.nights, "chunks": taken.chunks})
            found[series.name] = taken.rows
    return found


@contextmanager
def _noted(names: list[str]) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """What fails is named in the policy's row and goes on to whoever called."""
    rows = StoragePolicy.objects.filter(name__in=names)
    rows.update(started_at=timezone.now(), runs=F("runs") + 1)
    results: dict[str, Mapping[str, Any]] = {}
    try:
        yield results.__setitem__
    except Exception as error:
        rows.update(failures=F("failures") + 1, last_error=type(error).__name__)
        raise
    now = timezone.now()
    for name, result in results.items():
        rows.filter(name=name).update(finished_at=now, last_error="", last_result=result)
