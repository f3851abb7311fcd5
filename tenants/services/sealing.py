"""Moves the secrets at rest under the key ring's first key, so that an older key can be dropped."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from noctis import errors, keyring
from tenants.models import Operator, ServiceClientKey, Tenant
from tenants.services import audit
from tenants.services.audit import Actor


class Unopenable(errors.Conflict):
    row = errors.registered(
        "secret_unopenable",
        409,
        "A secret cannot be opened",
        "The key that sealed it is not in the key ring any more.",
        "Put that key back into ENCRYPTION_KEYS, or revoke what the secret belongs to.",
    )


def reseal_secrets(*, actor: Actor) -> dict[str, int]:
    """Seal all secrets that are still in use anew, or none; says how many were moved."""
    with transaction.atomic():
        # A revoked key's secret is never opened again, so a lost one must not stand in the way.
        keys = ServiceClientKey.objects.filter(algorithm=ServiceClientKey.Algorithm.HS256)
        moved = {
            "client_keys": _reseal(keys.exclude(state=ServiceClientKey.State.REVOKED), "material"),
            "operators": _reseal(Operator.objects.exclude(otp_secret=""), "otp_secret"),
        }
        if any(moved.values()):
            platform = _platform()
            audit.record(
                actor=actor,
                tenant=platform,
                action="secrets.reseal",
                subject=platform,
                change=(None, moved),
            )
    return moved


def _platform() -> Tenant:
    platform = Tenant.objects.platform().first()
    if platform is None:
        raise errors.Conflict("There is no platform tenant whose audit log could tell of this.")
    return platform


def _reseal(rows: QuerySet[Any], column: str) -> int:
    locked = rows.order_by("pk").select_for_update()
    stale = [row for row in locked if not keyring.is_current(getattr(row, column))]
    for row in stale:
        setattr(row, column, keyring.encrypt(_opened(row, column)))
    rows.bulk_update(stale, [column], batch_size=500)
    return len(stale)


def _opened(row: Any, column: str) -> bytes:
    try:
        return keyring.decrypt(getattr(row, column))
    except keyring.Unreadable as error:
        raise Unopenable(f"{row._meta.verbose_name} {row}: {error}.") from None
