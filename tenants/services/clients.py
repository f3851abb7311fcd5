"""Service clients and the life of their keys: issued, rotated with an overlap, revoked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from noctis import errors, keyring
from tenants import keys
from tenants.models import ServiceClient, ServiceClientKey, Tenant
from tenants.services import audit
from tenants.services.audit import Actor
from tenants.services.tenants import problems_of

LONGEST_OVERLAP = timedelta(days=30)
LATELY = timedelta(hours=24)
Algorithm = ServiceClientKey.Algorithm
State = ServiceClientKey.State


class NameTaken(errors.Conflict):
    row = errors.registered(
        "name_taken",
        409,
        "The name is taken",
        "Another object of this tenant has this name.",
        "Choose another name.",
    )


class IllegalTransition(errors.Conflict):
    row = errors.registered(
        "illegal_transition",
        409,
        "This state does not lead there",
        "The object's state does not allow this change.",
        "Read the object; the states and their order are in the docs.",
    )


class StillUsed(errors.Conflict):
    row = errors.registered(
        "key_still_used",
        409,
        "The key is still used",
        "A token of it was accepted within the last 24 hours; whoever uses it would be shut out.",
        "Have the client change to its new key first, or say that it shall end all the same.",
    )


@dataclass(frozen=True)
class IssuedKey:
    """A key at its birth: the only moment at which the secret can be seen."""

    key: ServiceClientKey
    secret: str | None


@dataclass(frozen=True)
class KeyRequest:
    """What a new key shall be; without a public key only HS256 is possible."""

    algorithm: str = Algorithm.HS256
    public_key: str | None = None
    expires_at: datetime | None = None
    # The one device that it may record with; None: it is bound to none.
    device_uuid: UUID | None = None


def create_client(
    *, tenant: Tenant, name: str, role: str, actor: Actor, request: KeyRequest | None = None
) -> tuple[ServiceClient, IssuedKey]:
    """Register a client together with its first key."""
    client = ServiceClient(tenant=tenant, name=name, role=role)
    try:
        client.clean_fields()
    except ValidationError as error:
        raise errors.Invalid(problems=problems_of(error)) from None
    with transaction.atomic():
        _insert_named(client)
        audit.record(
            actor=actor,
            tenant=tenant,
            action="client.create",
            subject=client,
            change=(None, {"name": name, "role": role}),
        )
        return client, issue_key(client=client, request=request or KeyRequest(), actor=actor)


def _insert_named(client: ServiceClient) -> None:
    try:
        with transaction.atomic():
            client.save(force_insert=True)
    except IntegrityError as error:
        if "client_name_once" not in str(error):
            raise
        raise NameTaken(f"A client of this tenant is already called {client.name}.") from None


def issue_key(*, client: ServiceClient, request: KeyRequest, actor: Actor) -> IssuedKey:
    """Add a key beside those that are there; a secret of ours is sealed, a public key is kept."""
    if request.expires_at and request.expires_at <= timezone.now():
        problem = errors.Problem("/expires_at", "out_of_range", "an instant in the future")
        raise errors.Invalid(problems=[problem])
    secret, material = _material(request)
    key = ServiceClientKey(
        tenant=client.tenant,
        client=client,
        kid=keys.new_kid(),
        algorithm=request.algorithm,
        material=material,
        expires_at=request.expires_at,
        device_uuid=request.device_uuid,
    )
    born = {"state": key.state, "algorithm": key.algorithm}
    if key.device_uuid:
        born["device_uuid"] = str(key.device_uuid)
    with transaction.atomic():
        key.save(force_insert=True)
        _tell(key, "key.issue", actor, after=born)
    return IssuedKey(key, secret)


def _material(request: KeyRequest) -> tuple[str | None, str]:
    if request.algorithm == Algorithm.HS256:
        if request.public_key:
            raise _bad_key("HS256 has no public key; leave it out")
        secret = keys.new_secret()
        return secret, keyring.encrypt(secret.encode())
    try:
        return None, keys.normalised_public_key(request.algorithm, request.public_key or "")
    except keys.UnusableKey as error:
        raise _bad_key(str(error)) from None


def _bad_key(detail: str) -> errors.Invalid:
    return errors.Invalid(problems=[errors.Problem("/public_key", "unusable_key", detail)])


def rotate_key(
    *,
    client: ServiceClient,
    overlap: timedelta,
    actor: Actor,
    request: KeyRequest | None = None,
    reason: str = "",
) -> IssuedKey:
    """Issue a new key; when the overlap is over it is the only one that is accepted."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        detail = f"0 to {LONGEST_OVERLAP.days * 86_400} seconds"
        raise errors.Invalid(problems=[errors.Problem("/overlap_seconds", "out_of_range", detail)])
    ends_at = timezone.now() + overlap
    with transaction.atomic():
        ServiceClient.objects.select_for_update().get(pk=client.pk)
        outliving = Q(state=State.ACTIVE) | Q(state=State.RETIRING, expires_at__gt=ends_at)
        for key in client.keys.select_for_update().filter(outliving):
            _retire(key, ends_at, actor, reason)
        bound = replace(request or KeyRequest(), device_uuid=_bound_to(client))
        return issue_key(client=client, request=bound, actor=actor)


def _bound_to(client: ServiceClient) -> UUID | None:
    """A rotation must not set a device's key free."""
    newest: ServiceClientKey | None = client.keys.order_by("-created_at", "-pk").first()
    return newest.device_uuid if newest else None


def _retire(key: ServiceClientKey, ends_at: datetime, actor: Actor, reason: str) -> None:
    if key.expires_at and key.expires_at < ends_at:
        ends_at = key.expires_at
    before, key.state, key.expires_at = key.state, State.RETIRING, ends_at
    key.save(update_fields=["state", "expires_at"])
    _tell(
        key,
        "key.retire",
        actor,
        before={"state": before},
        after={"state": key.state, "expires_at": ends_at.isoformat()},
        reason=reason,
    )


def revoke_key(
    *, key: ServiceClientKey, actor: Actor, reason: str = "", although_used: bool = True
) -> ServiceClientKey:
    """End a key now; every process stops accepting it within the key cache's lifetime."""
    with transaction.atomic():
        key = ServiceClientKey.objects.select_for_update().get(pk=key.pk)
        if key.state == State.REVOKED:
            return key
        if not although_used and is_used(key):
            raise StillUsed(f"{key} was last used {key.last_used_at:%Y-%m-%d %H:%M} UTC.")
        before, key.state = key.state, State.REVOKED
        key.save(update_fields=["state"])
        _tell(
            key,
            "key.revoke",
            actor,
            before={"state": before},
            after={"state": key.state},
            reason=reason,
        )
    return key


def is_used(key: ServiceClientKey) -> bool:
    """Whether ending it would be noticed."""
    return key.last_used_at is not None and timezone.now() - key.last_used_at < LATELY


def set_enabled(
    *, client: ServiceClient, is_enabled: bool, actor: Actor, reason: str = ""
) -> ServiceClient:
    """Shut a client out, or let it in again; its keys stay as they are."""
    with transaction.atomic():
        client = ServiceClient.objects.select_for_update().get(pk=client.pk)
        if client.is_enabled == is_enabled:
            return client
        client.is_enabled = is_enabled
        client.save(update_fields=["is_enabled"])
        audit.record(
            actor=actor,
            tenant=client.tenant,
            action="client.enable" if is_enabled else "client.disable",
            subject=client,
            change=({"is_enabled": not is_enabled}, {"is_enabled": is_enabled}),
            reason=reason,
        )
    return client


def revoke_expired_keys(*, at: datetime, actor: Actor) -> int:
    """Write down what is already true: a key past its end is refused by its own date."""
    expired = list(ServiceClientKey.objects.past_their_end(at)[:1_000])
    for key in expired:
        revoke_key(key=key, actor=actor, reason="its end is past")
    return len(expired)


def _tell(
    key: ServiceClientKey,
    action: str,
    actor: Actor,
    *,
    before: audit.Facts | None = None,
    after: audit.Facts | None = None,
    reason: str = "",
) -> None:
    audit.record(
        actor=actor,
        tenant=key.tenant,
        action=action,
        subject=key,
        change=(before, after),
        reason=reason,
    )
