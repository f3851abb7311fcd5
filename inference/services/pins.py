"""Which version serves a tenant, where that is not what serves everybody. Nothing else writes it.

The artifact is read and tested before the transaction; a pin changes with the generation.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from inference import refusals
from inference.models import ModelVersion, TenantPin
from inference.services import registry
from inference.services.model_events import Decision
from inference.serving import snapshot
from tenants.models import Tenant
from tenants.services import audit

# What is archived may go on being pinned and is not pinned anew.
PINNABLE = (ModelVersion.Status.VALIDATED, ModelVersion.Status.PRODUCTION)


@dataclass(frozen=True)
class Place:
    """What a pin is of: a tenant's family."""

    tenant: Tenant
    family: str


def pinned_by(tenant: Tenant) -> Mapping[int, list[str]]:
    """The families in which a tenant pins a version, by the version's row."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = TenantPin.objects.all().owned_by(tenant).order_by("family")
    for version_id, family in rows.values_list("version_id", "family"):
        found[version_id].append(family)
    return found


def serving(tenant: Tenant) -> dict[str, tuple[str, bool]]:
    """What should serve a tenant: by family the version, and whether the tenant chose it."""
    of_all = {family: (row.version, False) for family, row in snapshot.wanted_versions().items()}
    own = snapshot.pins_in_effect().filter(tenant=tenant)
    return of_all | {pin.family: (pin.version.version, True) for pin in own}


def pin_version(*, version: str, place: Place, decision: Decision) -> ModelVersion:
    """Have a version serve one tenant from now on, whatever serves the others."""
    row = registry.version_named(version)
    registry.check_offered(row=row, families=(place.family,))
    registry.check_unpinned(families=(place.family,))
    if _is_held(row, _held(place)):
        return row
    _check_pinnable(row)
    registry.verify_version(row)
    with transaction.atomic():
        registry.next_generation()
        # Locked and looked at again: meanwhile somebody may have put it aside.
        row = registry.locked(row.pk)
        _check_pinnable(row)
        before = _held(place)
        if not _is_held(row, before):
            _put(row, before, place, decision)
    return row


def unpin_version(*, version: str, place: Place, decision: Decision) -> ModelVersion:
    """Have a tenant served again by what serves everybody."""
    row = registry.version_named(version)
    with transaction.atomic():
        registry.next_generation()
        before = _held(place)
        if before is None or not _is_held(row, before):
            held = f"pins {before.version}" if before else "pins nothing"
            raise refusals.NotPinned(f"{place.tenant.slug} {held} in {place.family}.")
        before.delete()
        _tell("model.unpin", place, (before.version, None), decision)
    return row


def _check_pinnable(row: ModelVersion) -> None:
    if row.status not in PINNABLE:
        raise refusals.NotValidated(f"{row.version} is {row.status}.")


def _held(place: Place) -> TenantPin | None:
    """Of two who pin at once the second waits for the generation, and sees what the first did."""
    owned = TenantPin.objects.all().owned_by(place.tenant).filter(family=place.family)
    found: TenantPin | None = owned.select_related("version").first()
    return found


def _is_held(row: ModelVersion, pin: TenantPin | None) -> bool:
    return pin is not None and pin.version_id == row.pk


def _put(row: ModelVersion, before: TenantPin | None, place: Place, decision: Decision) -> None:
    TenantPin.objects.update_or_create(
        tenant=place.tenant,
        family=place.family,
        defaults={"version": row, "since": timezone.now(), "reason": decision.reason},
    )
    _tell("model.pin", place, (before.version if before else None, row), decision)


def _tell(
    action: str,
    place: Place,
    change: tuple[ModelVersion | None, ModelVersion | None],
    decision: Decision,
) -> None:
    """In the tenant's own chain: whom it concerns is the tenant."""
    before, after = (
        {"family": place.family, "version": row.version} if row else None for row in change
    )
    audit.record(
        actor=decision.actor,
        tenant=place.tenant,
        action=action,
        subject=change[1] or change[0] or place.tenant,
        change=(before, after),
        reason=decision.reason,
    )
