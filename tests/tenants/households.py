"""Two tenants that must never see each other, and the console's lists, as its tests use them."""

from django.http import HttpResponse
from django.test import Client

from tenants.models import AuditEntry, ServiceClientKey, Tenant
from tenants.services import clients
from tests.factories import ACTOR, MembershipFactory, OperatorFactory, TenantFactory

LISTS = {
    "tenant": "/console/tenants/tenant/",
    "member": "/console/tenants/membership/",
    "client": "/console/tenants/serviceclient/",
    "key": "/console/tenants/serviceclientkey/",
    "entry": "/console/tenants/auditentry/",
    "operator": "/console/tenants/operator/",
    "schedule": "/console/django_celery_beat/periodictask/",
}


class Household:
    """A tenant with one row of each kind, each carrying the tenant's canary."""

    def __init__(self, canary: str) -> None:
        self.canary = canary
        self.tenant = TenantFactory(slug=canary, name=f"{canary} clinic")
        person = OperatorFactory(username=f"{canary}-person")
        self.member = MembershipFactory(tenant=self.tenant, operator=person, role="tenant_viewer")
        self.operator = person
        self.client, issued = clients.create_client(
            tenant=self.tenant, name=f"{canary}-client", role="read", actor=ACTOR
        )
        self.key = issued.key
        ServiceClientKey.objects.filter(pk=self.key.pk).update(kid=f"{canary}-kid")
        self.entry = AuditEntry.objects.filter(tenant=self.tenant, action="client.create").get()


def as_(role: str, tenant: Tenant, **more: object) -> Client:
    membership = MembershipFactory(tenant=tenant, role=role, **more)
    browser = Client(raise_request_exception=False)
    browser.force_login(membership.operator)
    return browser


def text(answer: HttpResponse) -> str:
    return answer.content.decode()
