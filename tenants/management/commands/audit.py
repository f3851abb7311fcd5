"""`manage.py audit verify`: does every tenant's chain hold?"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from typing import Any

from noctis.commands import Row, VerbCommand
from tenants.lookups import tenant_called
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Anchor


class BrokenChain(SystemExit):
    """Found something: the command ends with 1 after it has told what."""


class Command(VerbCommand):
    help = "The audit log's hash chains."
    verbs = {"verify": "walk every chain and name what was edited, removed or moved"}

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            dest="anchors",
            action="append",
            default=[],
            type=_anchor,
            metavar="tenant:sequence:digest",
            help="a link seen earlier, here or in the log, that must still be there; repeatable",
        )

    def verify(self, options: Mapping[str, Any]) -> Sequence[Row]:
        self.is_broken = False
        anchors: Sequence[Anchor] = options["anchors"]
        for anchor in anchors:
            tenant_called(anchor.tenant)
        return [self._verified(tenant, anchors) for tenant in Tenant.objects.all()]

    def _verified(self, tenant: Tenant, anchors: Sequence[Anchor]) -> Row:
        head = audit.head(tenant)
        own = [anchor for anchor in anchors if anchor.tenant == tenant.slug]
        findings = [
            f"{found.sequence}: {found.what}" for found in audit.verify(tenant=tenant, anchors=own)
        ]
        self.is_broken = self.is_broken or bool(findings)
        return {
            "tenant": tenant.slug,
            "entries": head.sequence,
            "verdict": "; ".join(findings) or "holds",
            "anchor": str(head),
        }

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.is_broken:
            raise BrokenChain(1)


def _anchor(text: str) -> Anchor:
    try:
        return Anchor.parsed(text)
    except ValueError:
        raise ArgumentTypeError("expected tenant:sequence:digest") from None
