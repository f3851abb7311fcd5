"""`manage.py audit verify`: does every tenant's chain hold?"""

from collections.abc import Mapping, Sequence
from typing import Any

from noctis.commands import Row, VerbCommand
from tenants.models import AuditChain, Tenant
from tenants.services import audit


class BrokenChain(SystemExit):
    """Found something: the command ends with 1 after it has told what."""


class Command(VerbCommand):
    help = "The audit log's hash chains."
    verbs = {"verify": "walk every chain and name what was edited, removed or moved"}

    def verify(self, options: Mapping[str, Any]) -> Sequence[Row]:
        self.is_broken = False
        return [self._verified(tenant) for tenant in Tenant.objects.all()]

    def _verified(self, tenant: Tenant) -> Row:
        chain = AuditChain.objects.filter(tenant=tenant).first() or AuditChain(tenant=tenant)
        findings = [f"{found.sequence}: {found.what}" for found in audit.verify(tenant)]
        self.is_broken = self.is_broken or bool(findings)
        return {
            "tenant": tenant.slug,
            "entries": chain.sequence,
            "digest": chain.digest,
            "verdict": "; ".join(findings) or "holds",
        }

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.is_broken:
            raise BrokenChain(1)
