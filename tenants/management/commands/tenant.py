"""`manage.py tenant`: open, suspend, resume and list tenants."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor, tenant_called
from tenants.models import Tenant
from tenants.services import tenants


class Command(VerbCommand):
    help = "Open, suspend, resume and list tenants."
    verbs = {
        "create": "open a tenant's account",
        "suspend": "refuse a tenant's calls; its data stays",
        "resume": "take a suspended tenant's calls again",
        "list": "show every tenant",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        if verb == "list":
            return
        parser.add_argument("slug", help="short name: a-z, 0-9 and dashes")
        if verb == "create":
            parser.add_argument("--name", help="full name (default: the slug)")
            parser.add_argument("--timezone", default="UTC", help="IANA name, such as Europe/Oslo")
            parser.add_argument("--platform", action="store_true", help="the one that runs it all")
        else:
            parser.add_argument("--reason", required=True)

    def create(self, options: Mapping[str, Any]) -> Row:
        tenant = tenants.create_tenant(
            slug=options["slug"],
            name=options["name"] or options["slug"],
            kind=Tenant.Kind.PLATFORM if options["platform"] else Tenant.Kind.CUSTOMER,
            timezone=options["timezone"],
            actor=shell_actor(),
        )
        return _shown(tenant)

    def suspend(self, options: Mapping[str, Any]) -> Row:
        return self._change(tenants.suspend_tenant, options)

    def resume(self, options: Mapping[str, Any]) -> Row:
        return self._change(tenants.resume_tenant, options)

    def _change(self, service: Any, options: Mapping[str, Any]) -> Row:
        tenant = tenant_called(options["slug"])
        return _shown(service(tenant=tenant, actor=shell_actor(), reason=options["reason"]))

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        return [_shown(tenant) for tenant in Tenant.objects.all()]


def _shown(tenant: Tenant) -> Row:
    return {
        "slug": tenant.slug,
        "id": str(tenant.uuid),
        "name": tenant.name,
        "kind": tenant.kind,
        "status": tenant.status,
        "timezone": tenant.timezone,
    }
