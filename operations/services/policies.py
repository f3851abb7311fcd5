"""Storage policies: what is wanted against what is so, a plan of the difference, and its steps.

A plan is applied exactly as it was reviewed, or refused; nothing is deleted by applying one.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from noctis.db.editions import Edition
from noctis.db.locks import hold_until_commit
from operations import storage
from operations.models import StoragePolicy
from operations.policies import (
    BY_NAME,
    POLICIES,
    SERIES,
    Change,
    Kind,
    changes,
    digest,
)
from operations.refusals import PlanStale
from operations.services import jobs
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor


@dataclass(frozen=True)
class Plan:
    """What would be changed on this server; the hash names exactly that."""

    edition: Edition
    changes: tuple[Change, ...]

    @property
    def hash(self) -> str:
        return digest(self.edition, self.changes)


@dataclass(frozen=True)
class Decision:
    """Who applies a plan, and why."""

    actor: Actor
    reason: str = ""


def wanted() -> dict[str, int]:
    """Each policy's number by the settings; predictions are kept as long as epochs at least."""
    found = {
        policy.name: getattr(settings, policy.setting) if policy.setting else policy.value
        for policy in POLICIES
    }
    found["predictions.retention"] = max(found["predictions.retention"], found["epochs.retention"])
    return found


def actual(*, edition: Edition) -> dict[str, int | None]:
    """Each policy's number as it is: the server's own, or what was applied for beat to do."""
    applied: dict[str, int | None] = dict(
        StoragePolicy.objects.filter(name__in=BY_NAME).values_list("name", "value")
    )
    for series in SERIES.values():
        applied[f"{series.name}.{Kind.CHUNKS}"] = storage.chunk_days(series, edition)
        compression = f"{series.name}.{Kind.COMPRESSION}"
        if compression in BY_NAME:
            applied[compression] = jobs.compressed_after_days(series=series, edition=edition)
    return applied


def plan() -> Plan:
    """Compare what is wanted with what is so; changes nothing."""
    edition = storage.edition()
    return Plan(edition, changes(edition, wanted(), actual(edition=edition)))


def apply(*, plan_hash: str, decision: Decision) -> Plan:
    """Do exactly what the plan with this hash says, audited; a plan of another state is refused."""
    with transaction.atomic():
        hold_until_commit("operations.policies", 0)
        reviewed = plan()
        if reviewed.hash != plan_hash:
            raise PlanStale
        for change in reviewed.changes:
            _apply(change, reviewed.edition, decision)
    return reviewed


def ensure(*, kind: Kind, decision: Decision) -> Plan:
    """Apply what differs of one kind of policy and nothing else; answers what that was."""
    with transaction.atomic():
        hold_until_commit("operations.policies", 0)
        every = plan()
        own = tuple(row for row in every.changes if BY_NAME[row.name].kind == kind)
        for change in own:
            _apply(change, every.edition, decision)
    return Plan(every.edition, own)


def _apply(change: Change, edition: Edition, decision: Decision) -> None:
    jobs.apply(change=change, edition=edition)
    facts = {
        "value": change.after,
        "applied_at": timezone.now(),
        "applied_by": decision.actor.name,
    }
    row, _ = StoragePolicy.objects.update_or_create(name=change.name, defaults=facts)
    platform = Tenant.objects.platform().first()
    if platform is not None:
        audit.record(
            actor=decision.actor,
            tenant=platform,
            action="storage.apply",
            subject=row,
            change=({"value": change.before}, {"value": change.after, "edition": edition}),
            reason=decision.reason,
        )
