"""Rows for tests. Keys come from the service that issues them, so each is one that can exist."""

from uuid import UUID

import factory
from factory.django import DjangoModelFactory

from tenants.models import AuditEntry, Membership, Operator, ServiceClient, ServiceClientKey, Tenant
from tenants.services import clients
from tenants.services.audit import Actor
from tests import tokens

PASSWORD = "moth-lantern-orbit-7"
ACTOR = Actor("test", AuditEntry.Channel.COMMAND)


class TenantFactory(DjangoModelFactory):
    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"tenant-{n}")
    name = factory.LazyAttribute(lambda tenant: f"Clinic {tenant.slug}")


class PlatformFactory(TenantFactory):
    """The platform's tenant, of which there is one."""

    class Meta:
        django_get_or_create = ("kind",)

    kind = Tenant.Kind.PLATFORM
    slug = "platform"


class OperatorFactory(DjangoModelFactory):
    """A person without a usable password; `password=PASSWORD` costs a slow hash."""

    class Meta:
        model = Operator
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"operator-{n}")
    password = factory.django.Password(None)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    tenant = factory.SubFactory(TenantFactory)
    operator = factory.SubFactory(OperatorFactory)
    role = "tenant_admin"


class ServiceClientFactory(DjangoModelFactory):
    class Meta:
        model = ServiceClient

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"client {n}")
    role = "read"


class KeyFactory(factory.Factory):
    """An `IssuedKey`: the row and, for HS256, the secret."""

    class Meta:
        model = ServiceClientKey

    client = factory.SubFactory(ServiceClientFactory)
    algorithm = "HS256"
    expires_at = None
    device_uuid = None

    @classmethod
    def _create(
        cls, _: type, *, client: ServiceClient, device_uuid: UUID | None, **wanted: object
    ) -> clients.IssuedKey:
        shared = wanted["algorithm"] == "HS256"
        pem = None if shared else tokens.public_pem(str(wanted["algorithm"]))
        request = clients.KeyRequest(public_key=pem, **wanted)
        issued = clients.issue_key(client=client, request=request, actor=ACTOR)
        if device_uuid:
            issued.key.device_uuid = device_uuid
            issued.key.save(update_fields=["device_uuid"])
        return issued


def signatory(issued: clients.IssuedKey | None = None, **key: object) -> tokens.Signatory:
    """Somebody who can sign with a key, by default a new client's of a new tenant."""
    issued = issued or KeyFactory(**key)
    row = issued.key
    return tokens.Signatory(
        kid=row.kid,
        algorithm=row.algorithm,
        secret=issued.secret,
        subject=str(row.client.uuid),
        tenant=str(row.tenant.uuid),
    )
