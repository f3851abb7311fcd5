"""Devices: registered, changed, given keys of their own."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from devices.models import Device
from noctis import errors
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor


class ExternalIdTaken(errors.Conflict):
    row = errors.registered(
        "external_id_taken",
        409,
        "Another device has this external id",
        "A tenant's devices have different external ids.",
        "Find the device with `GET /v1/devices?external_id=…`, or choose another id.",
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


def change_device(*, device: Device, facts: Mapping[str, Any], actor: Actor) -> Device:
    """Change some of a device's plain facts."""
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=device.pk)
        before = {name: getattr(device, name) for name in facts}
        if before == dict(facts):
            return device
        for name, value in facts.items():
            setattr(device, name, value)
        _write(device)
        audit.record(
            actor=actor,
            tenant=device.tenant,
            action="device.change",
            subject=device,
            change=(before, dict(facts)),
        )
    return device


def _write(device: Device) -> None:
    try:
        with transaction.atomic():
            device.save()
    except IntegrityError as error:
        if "device_external_once" not in str(error):
            raise
        raise ExternalIdTaken from None
