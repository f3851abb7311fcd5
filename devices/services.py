"""Devices: registered, changed, given keys of their own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from devices.models import Device
from noctis import errors, etags
from tenants.models import ServiceClient, Tenant
from tenants.roles import Role
from tenants.services import audit, clients
from tenants.services.audit import Actor
from tenants.services.clients import IssuedKey, KeyRequest


class ExternalIdTaken(errors.Conflict):
    row = errors.registered(
        "external_id_taken",
        409,
        "Another device has this external id",
        "A tenant's devices have different external ids.",
        "Find the device with `GET /v1/devices?external_id=…`, or choose another id.",
    )


class DeviceRetired(errors.Conflict):
    row = errors.registered(
        "device_retired",
        409,
        "The device is retired",
        "A retired device begins no night and gets no key; nights that it began still take epochs.",
        "Use another device, or make it active with `PATCH /v1/devices/{id}`.",
    )


def register_device(*, tenant: Tenant, facts: Mapping[str, Any], actor: Actor) -> Device:
    """Add a device to a tenant."""
    device = Device(tenant=tenant, **facts)
    with transaction.atomic():
        _write(device)
        audit.record(
            actor=actor,
            tenant=tenant,
            action="device.register",
            subject=device,
            change=(None, {"name": device.name, "external_id": device.external_id}),
        )
    return device


def change_device(
    *,
    device: Device,
    facts: Mapping[str, Any],
    actor: Actor,
    if_match: str | None = None,
    reason: str = "",
) -> Device:
    """Change some of a device's plain facts, unless it is no longer as the caller saw it."""
    with transaction.atomic():
        device = _locked(device)
        etags.demand(etags.tag_of(device.updated_at), if_match)
        before = {name: getattr(device, name) for name in facts}
        if before == dict(facts):
            return device
        for name, value in facts.items():
            setattr(device, name, value)
        _write(device, update_fields=[*facts, "updated_at"])
        audit.record(
            actor=actor,
            tenant=device.tenant,
            action="device.change",
            subject=device,
            change=(before, dict(facts)),
            reason=reason,
        )
    return device


def issue_credential(
    *, device: Device, request: KeyRequest, actor: Actor
) -> tuple[ServiceClient, IssuedKey]:
    """Give a device a key with which it can record and nothing else; older keys stay."""
    bound = replace(request, device_uuid=device.uuid)
    with transaction.atomic():
        device = _locked(device)
        if device.is_retired:
            raise DeviceRetired
        own = own_client(device)
        if own is not None:
            return own, clients.issue_key(client=own, request=bound, actor=actor)
        return clients.create_client(
            tenant=device.tenant,
            name=client_name(device),
            role=Role.INGEST,
            actor=actor,
            request=bound,
        )


def own_client(device: Device) -> ServiceClient | None:
    """Find the service client that stands for this device, once it has a credential."""
    owned = ServiceClient.objects.owned_by(device.tenant)
    found: ServiceClient | None = owned.filter(name=client_name(device), role=Role.INGEST).first()
    return found


def client_name(device: Device) -> str:
    """Name the client after the device's id, which never changes."""
    return f"device {device.uuid}"


def _locked(device: Device) -> Device:
    rows = Device.objects.select_related("tenant").select_for_update(of=("self",))
    found: Device = rows.get(pk=device.pk)
    return found


def _write(device: Device, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            device.save(update_fields=update_fields)
    except IntegrityError as error:
        if "device_external_once" not in str(error):
            raise
        raise ExternalIdTaken from None
