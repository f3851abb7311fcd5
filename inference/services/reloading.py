"""Loads what should serve in every process, and says which ones did."""

import time
from dataclasses import dataclass

from django.db import transaction

from inference import refusals, serving
from inference.models import Generation
from inference.services import registry
from inference.services.model_events import Decision
from inference.serving import board, snapshot
from inference.serving.board import Report
from inference.serving.snapshot import Failure, Snapshot
from tenants.models import Tenant
from tenants.services import audit

# Two polls, and the loading itself.
PATIENCE_S = 3.0
PAUSE_S = 0.05


@dataclass(frozen=True)
class Reloaded:
    """What this process serves now, and what each process that lives has said."""

    snapshot: Snapshot
    processes: list[Report]
    # False where nobody could be asked: who is behind is not known then.
    heard: bool = True

    @property
    def behind(self) -> list[Report]:
        """Those that are known not to have loaded what should serve."""
        number = self.snapshot.generation
        return [row for row in self.processes if row.generation < number or row.failures]


def reload_models(*, decision: Decision, patience_s: float = PATIENCE_S) -> Reloaded:
    """Read what should serve anew, in every process; a failure keeps the old one and is told."""
    order_reload(decision=decision)
    return hear_reload(patience_s=patience_s)


def order_reload(*, decision: Decision) -> None:
    """Have every process read what should serve anew; each does so once this is committed."""
    with transaction.atomic():
        _tell(registry.next_generation(), decision)


def hear_reload(*, patience_s: float = PATIENCE_S) -> Reloaded:
    """Read what should serve anew here, refuse where it cannot be, and hear the others."""
    after = serving.refresh()
    if after.failures:
        raise refusals.ModelNotLoadable(_told(list(after.failures.values())))
    if not after.chosen:
        raise refusals.ModelNotLoadable("No version was chosen to serve: manage.py model serve.")
    return _heard_of(after, patience_s)


def hear(*, patience_s: float = PATIENCE_S) -> Reloaded:
    """Load what was just decided, and wait for the other processes to say that they have."""
    return _heard_of(serving.refresh(), patience_s)


def unheard() -> Reloaded:
    """What can be said of a decision that is not committed: nobody can have heard of it, and what
    this process would load might never come to be."""
    return Reloaded(Snapshot(snapshot.generation()), [], heard=False)


def _heard_of(after: Snapshot, patience_s: float) -> Reloaded:
    said = _heard(after.generation, time.monotonic() + patience_s)
    return Reloaded(after, said or [], heard=said is not None)


def _told(failures: list[Failure]) -> str:
    found = {f"{row.version}: {row.code}, {row.detail}" for row in failures}
    return "; ".join(sorted(found))


def _heard(number: int, until: float) -> list[Report] | None:
    """Wait for those that live, as long as it is worth it."""
    while True:
        said = board.reports()
        if (
            said is None
            or all(row.generation >= number for row in said)
            or time.monotonic() >= until
        ):
            return said
        time.sleep(PAUSE_S)


def _tell(number: int, decision: Decision) -> None:
    platform = Tenant.objects.platform().first()
    if platform is None:
        return
    audit.record(
        actor=decision.actor,
        tenant=platform,
        action="model.reload",
        subject=Generation(number=number),
        change=(None, {"generation": number}),
        reason=decision.reason,
    )
