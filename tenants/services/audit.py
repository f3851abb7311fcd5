"""The audit log: entries are written in the transaction of the change they tell of, or it fails."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
import structlog
from django.db import models, transaction
from django.utils import timezone

from noctis import context
from tenants.models import AuditChain, AuditEntry, Tenant

log = structlog.get_logger(__name__)
Facts = Mapping[str, str | int | bool | None]
Channel = AuditEntry.Channel


@dataclass(frozen=True)
class Actor:
    """Who does it, and through what."""

    name: str
    channel: AuditEntry.Channel


@dataclass(frozen=True)
class Finding:
    """One place where a chain does not hold."""

    tenant: str
    sequence: int
    what: str


def record(
    *,
    actor: Actor,
    tenant: Tenant,
    action: str,
    subject: models.Model,
    change: tuple[Facts | None, Facts | None] = (None, None),
    reason: str = "",
) -> AuditEntry:
    """Append an entry to the tenant's chain; only inside the transaction of the change itself."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an audit entry outside its transaction")
    chain = _locked_chain(tenant)
    entry = AuditEntry(
        tenant=tenant,
        sequence=chain.sequence + 1,
        at=timezone.now(),
        actor=actor.name,
        channel=actor.channel,
        action=action,
        object_type=subject._meta.label_lower.rpartition(".")[2],
        object_id=_public_id(subject),
        before=change[0],
        after=change[1],
        reason=reason,
        request_id=context.request_id(),
        previous_digest=chain.digest,
    )
    entry.digest = digest_of(entry)
    entry.save(force_insert=True)
    AuditChain.objects.filter(pk=tenant.pk).update(sequence=entry.sequence, digest=entry.digest)
    # The log is an anchor outside the database: a chain rewritten as a whole no longer agrees.
    log.info("audit", tenant=tenant.slug, sequence=entry.sequence, digest=entry.digest)
    return entry


def _locked_chain(tenant: Tenant) -> AuditChain:
    AuditChain.objects.bulk_create([AuditChain(tenant=tenant)], ignore_conflicts=True)
    return AuditChain.objects.select_for_update().get(pk=tenant.pk)


def _public_id(subject: models.Model) -> str:
    for name in ("uuid", "kid", "username"):
        if value := getattr(subject, name, None):
            return str(value)
    return str(subject.pk)


def digest_of(entry: AuditEntry) -> str:
    """SHA-256 over every field in a fixed order, the digest before it included."""
    fields = [
        entry.tenant_id,
        entry.sequence,
        entry.at.isoformat(timespec="microseconds"),
        entry.actor,
        entry.channel,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.before,
        entry.after,
        entry.reason,
        entry.request_id,
        entry.previous_digest,
    ]
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()


def verify(tenant: Tenant) -> Iterator[Finding]:
    """Walk a tenant's chain from its first entry and name whatever was edited, removed or moved."""
    with transaction.atomic():
        chain = AuditChain.objects.select_for_update().filter(pk=tenant.pk).first()
        expected, digest = 1, ""
        rows = AuditEntry.objects.owned_by(tenant).order_by("sequence", "pk")
        for entry in rows.iterator(chunk_size=1_000):
            yield from _links(entry, expected, digest, tenant.slug)
            expected, digest = entry.sequence + 1, entry.digest
        if (expected - 1, digest) != ((chain.sequence, chain.digest) if chain else (0, "")):
            yield Finding(tenant.slug, expected, "the chain's end is missing or was replaced")


def _links(entry: AuditEntry, expected: int, digest: str, slug: str) -> Iterator[Finding]:
    if entry.sequence != expected:
        yield Finding(slug, entry.sequence, f"entry {expected} is missing")
    elif entry.previous_digest != digest:
        yield Finding(slug, entry.sequence, "does not follow the entry before it")
    if digest_of(entry) != entry.digest:
        yield Finding(slug, entry.sequence, "was edited")
