"""Every address there is, from the URL resolver, and everybody who may knock at it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework_simplejwt.tokens import AccessToken

from tenants.callers import DEVICE_CAPABILITIES
from tenants.models import Tenant
from tenants.permissions import PUBLIC
from tenants.roles import Capability, ConsoleRole, Role, granted, granted_to_operator
from tests.factories import (
    DeviceFactory,
    MembershipFactory,
    PlatformFactory,
    TenantFactory,
    signatory,
)

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
PathOf = Callable[[Tenant], dict[str, str]]


@dataclass(frozen=True)
class Route:
    """One address, the view behind it, and which action answers which method."""

    route: str
    view: type | None
    actions: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.route)

    def path(self, values: Mapping[str, str]) -> str:
        return "/" + PARAMETER.sub(lambda match: values[match[1]], self.route)

    def capability(self, method: str) -> Capability | str | None:
        action = self.actions.get(method.lower())
        return None if action is None else self.view.policy[action]


def routes() -> list[Route]:
    return list(_within(get_resolver().url_patterns, ""))


def _within(entries: list[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for entry in entries:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _within(entry.url_patterns, route)
        else:
            view = entry.callback
            actions = dict(getattr(view, "actions", None) or {})
            if "get" in actions:
                actions["head"] = actions["get"]
            yield Route(route, getattr(view, "cls", None), actions)


@dataclass(frozen=True)
class Visitor:
    """Somebody at the door: with which token, of which tenant, granted what."""

    name: str
    tenant: Tenant
    token: str = ""
    capabilities: frozenset[Capability] = frozenset()
    is_bound: bool = False

    def outcome(self, capability: Capability | str | None, *, is_open: bool) -> int | None:
        """The status that the role table demands; None where she is let in."""
        if capability == PUBLIC or (capability is None and is_open):
            return None if capability else 405
        if not self.token:
            return 401
        if self.tenant.is_suspended:
            return 403
        if capability is None:
            return 405
        if self.is_bound and capability not in DEVICE_CAPABILITIES:
            return 404
        return None if capability in self.capabilities else 403


class World:
    """Our tenant, the platform, a suspended one, and the neighbour whom nobody here may see."""

    def __init__(self) -> None:
        self.ours = TenantFactory()
        self.platform = PlatformFactory()
        self.suspended = TenantFactory(status=Tenant.Status.SUSPENDED)
        self.neighbour = TenantFactory(slug="canary-neighbour", name="Canary of the neighbour")
        self.device = DeviceFactory(tenant=self.ours)

    @property
    def tenants(self) -> list[Tenant]:
        return [self.ours, self.platform, self.suspended, self.neighbour]

    @cached_property
    def visitors(self) -> list[Visitor]:
        admin, ml_ops = Role.ADMIN, Role.ML_OPS
        return [
            Visitor("nobody", self.ours),
            *(self.client(role, self.ours) for role in Role),
            self.client(admin, self.platform),
            self.client(ml_ops, self.platform),
            self.client(admin, self.suspended),
            self.client(admin, self.ours, device_uuid=self.device.uuid),
            self.client(Role.INGEST, self.ours, device_uuid=self.device.uuid),
            *(self.operator(role, self.ours) for role in ConsoleRole),
            *(self.operator(role, self.platform) for role in ConsoleRole),
        ]

    def client(self, role: Role, tenant: Tenant, device_uuid: UUID | None = None) -> Visitor:
        who = signatory(client__tenant=tenant, client__role=role, device_uuid=device_uuid)
        bound = ", bound to a device" if device_uuid else ""
        return Visitor(
            f"{role} client of {self.called(tenant)}{bound}",
            tenant,
            who.token(),
            granted(role, is_platform=tenant.is_platform),
            bool(device_uuid),
        )

    def operator(self, role: ConsoleRole, tenant: Tenant) -> Visitor:
        person = MembershipFactory(tenant=tenant, role=role).operator
        token = AccessToken.for_user(person)
        token["tenant_id"], token["mark"] = str(tenant.uuid), person.get_session_auth_hash()
        return Visitor(
            f"{role} (operator) of {self.called(tenant)}",
            tenant,
            str(token),
            granted_to_operator(role, is_platform=tenant.is_platform),
        )

    def called(self, tenant: Tenant) -> str:
        return {self.platform.pk: "the platform", self.suspended.pk: "a suspended tenant"}.get(
            tenant.pk, "a customer"
        )
