"""Devices: registered, changed, given keys of their own."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from devices.models import Device
from noctis import errors, etags
from noctis.db.locks import hold_until_commit
from tenants import keys
from tenants.models import ServiceClient, ServiceClientKey, Tenant
from tenants.roles import Role
from tenants.services import audit, clients
from tenants.services.audit import Actor
from tenants.services.clients import IssuedKey, KeyRequest
from tenants.services.tenants import problems_of


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


class KeyInUse(errors.Conflict):
    row = errors.registered(
        "key_in_use",
        409,
        "The public key stands for somebody else",
        "Each device makes a key of its own; this one belongs to another device or client.",
        "Let the device make a new key, and send its public half.",
    )


@dataclass(frozen=True)
class Box:
    """A device as it is set up: its own name, and what people call it."""

    external_id: str
    name: str = ""
    model: str = ""


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


def provision_device(
    *, tenant: Tenant, box: Box, request: KeyRequest, actor: Actor
) -> tuple[Device, IssuedKey]:
    """Register a device where it is not known, and give it a key. Safe to repeat: the same public
    key again is answered as it stands."""
    with transaction.atomic():
        hold_until_commit("devices.provision", tenant.pk)
        device = Device.objects.owned_by(tenant).called(box.external_id).first()
        if device is None:
            device = register_device(tenant=tenant, facts=_checked(box), actor=actor)
        standing = _standing_key(device, request)
        if standing is not None and not device.is_retired:
            return device, IssuedKey(standing, None)
        return device, issue_credential(device=device, request=request, actor=actor)[1]


def _checked(box: Box) -> dict[str, str]:
    facts = {"name": box.name or box.external_id, "external_id": box.external_id}
    facts["model"] = box.model
    try:
        Device(**facts).clean_fields(exclude=["tenant"])
    except ValidationError as error:
        raise errors.Invalid(problems=problems_of(error)) from None
    return facts


def _standing_key(device: Device, request: KeyRequest) -> ServiceClientKey | None:
    """Find the device's key that has this public half already; another device's is refused."""
    try:
        pem = keys.normalised_public_key(request.algorithm, request.public_key or "")
    except keys.UnusableKey:
        return None  # it is refused by name where it would be kept
    accepted = ServiceClientKey.objects.owned_by(device.tenant).accepted(timezone.now())
    found: ServiceClientKey | None = accepted.filter(material=pem).select_related("client").first()
    if found is not None and found.device_uuid != device.uuid:
        raise KeyInUse
    return found


def keys_by_device(tenant: Tenant) -> Mapping[UUID, list[ServiceClientKey]]:
    """Read the keys that are bound to a tenant's devices, revoked ones too."""
    bound: defaultdict[UUID, list[ServiceClientKey]] = defaultdict(list)
    for key in ServiceClientKey.objects.owned_by(tenant).exclude(device_uuid=None):
        bound[key.device_uuid].append(key)
    return bound


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
