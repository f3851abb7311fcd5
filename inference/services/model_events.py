"""What happened to a version is told twice: in its own history, and in the platform's audit log."""

from dataclasses import dataclass
from typing import Any

from inference.models import ModelEvent, ModelVersion
from noctis import context
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor


@dataclass(frozen=True)
class Decision:
    """Who does it, and why."""

    actor: Actor
    reason: str = ""
    # Why it may be done although gates are unmet: only who may waive them says it.
    waiver: str = ""

    def __post_init__(self) -> None:
        audit.check_reason(reason=self.reason)
        audit.check_reason(reason=self.waiver, pointer="/waiver")


@dataclass(frozen=True)
class Change:
    """What was done: from which status, and for a family where it is about what serves."""

    action: str
    before: str
    family: str = ""
    generation: int | None = None
    # What was unmet, and let pass by the decision's waiver.
    waived: tuple[str, ...] = ()


def tell_change(*, row: ModelVersion, change: Change, decision: Decision) -> None:
    """Append to a version's history; in the transaction of the change itself."""
    ModelEvent.objects.create(
        version=row,
        action=change.action,
        family=change.family,
        from_status=change.before,
        to_status=row.status,
        actor=decision.actor.name,
        reason=decision.reason,
        request_id=context.request_id(),
        generation=change.generation,
        waived=list(change.waived),
        waiver=decision.waiver if change.waived else "",
    )
    # Versions are everybody's, so the platform's chain tells of them, once there is one.
    platform = Tenant.objects.platform().first()
    if platform is None:
        return
    named: dict[str, Any] = {"family": change.family} if change.family else {}
    if change.waived:
        named |= {"waived": list(change.waived), "waiver": decision.waiver}
    before = {"status": change.before} if change.before else None
    audit.record(
        actor=decision.actor,
        tenant=platform,
        action=f"model.{change.action}",
        subject=row,
        change=(before, {"status": row.status, **named}),
        reason=decision.reason,
    )
