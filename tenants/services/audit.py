"""The audit log: entries are written in the transaction of the change they tell of, or it fails."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import msgspec
import structlog
from django.db import models, transaction
from django.db.models import Subquery
from django.utils import timezone

from noctis import context, errors
from tenants.models import AuditChain, AuditEntry, Tenant

log = structlog.get_logger(__name__)
Facts = Mapping[str, str | int | bool | None]
Channel = AuditEntry.Channel
LONGEST_REASON = 500


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


@dataclass(frozen=True)
class Anchor:
    """A link of a chain, kept outside the database: who rewrites a whole chain cannot keep it."""

    tenant: str
    sequence: int
    digest: str

    @classmethod
    def parsed(cls, text: str) -> Self:
        """From `tenant:sequence:digest`, as it was printed."""
        tenant, sequence, digest = text.split(":")
        return cls(tenant, int(sequence), digest)

    def __str__(self) -> str:
        return f"{self.tenant}:{self.sequence}:{self.digest}"


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
    check_reason(reason=reason)
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
    # The log keeps an anchor outside the database, but only of links that came to be.
    anchor = Anchor(tenant.slug, entry.sequence, entry.digest)
    transaction.on_commit(partial(log.info, "audit", action=action, anchor=str(anchor)))
    return entry


def check_reason(*, reason: str, pointer: str = "/reason") -> None:
    """Refuse what cannot be kept, before anything is done for that reason."""
    if len(reason) > LONGEST_REASON:
        detail = f"at most {LONGEST_REASON} characters"
        raise errors.Invalid(problems=[errors.Problem(pointer, "too_long", detail)])
    # A shell hands over bytes that are no text as halves of a character.
    if "\0" in reason or any("\ud800" <= letter <= "\udfff" for letter in reason):
        raise errors.Invalid(problems=[errors.Problem(pointer, "bad_text", "expected a text")])


def _locked_chain(tenant: Tenant) -> AuditChain:
    AuditChain.objects.bulk_create([AuditChain(tenant=tenant)], ignore_conflicts=True)
    return AuditChain.objects.select_for_update().get(pk=tenant.pk)


def _public_id(subject: models.Model) -> str:
    for name in ("uuid", "kid", "username", "name"):
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


def head(tenant: Tenant) -> Anchor:
    """The newest link, to be kept somewhere else."""
    chain = AuditChain.objects.filter(pk=tenant.pk).first() or AuditChain(tenant=tenant)
    return Anchor(tenant.slug, chain.sequence, chain.digest)


def verify(*, tenant: Tenant, anchors: Sequence[Anchor] = ()) -> Iterator[Finding]:
    """Walk a tenant's chain from its first entry and name whatever was edited, removed or moved.

    The chain alone cannot tell of somebody who computed it anew as a whole; anchors can."""
    end = head(tenant)
    expected, digest = 1, ""
    unseen = dict.fromkeys(anchors)
    for entry in _with_head(tenant).iterator(chunk_size=1_000):
        yield from _links(entry, expected, digest, tenant.slug)
        expected, digest = entry.sequence + 1, entry.digest
        end = Anchor(tenant.slug, entry.head_sequence, entry.head_digest)
        unseen.pop(Anchor(tenant.slug, entry.sequence, digest), None)
    if end != Anchor(tenant.slug, expected - 1, digest):
        yield Finding(tenant.slug, expected, "the chain's end is missing or was replaced")
    for anchor in unseen:
        yield Finding(tenant.slug, anchor.sequence, "is not the entry that was anchored")


def _with_head(tenant: Tenant) -> models.QuerySet[Any]:
    """One statement reads entries and end, so writers need not wait and are not seen by half."""
    chain = AuditChain.objects.filter(pk=tenant.pk)
    entries: models.QuerySet[Any] = AuditEntry.objects.owned_by(tenant)
    return entries.annotate(
        head_sequence=Subquery(chain.values("sequence")),
        head_digest=Subquery(chain.values("digest")),
    ).order_by("sequence", "pk")


def _links(entry: AuditEntry, expected: int, digest: str, slug: str) -> Iterator[Finding]:
    if entry.sequence != expected:
        yield Finding(slug, entry.sequence, f"entry {expected} is missing")
    elif entry.previous_digest != digest:
        yield Finding(slug, entry.sequence, "does not follow the entry before it")
    if digest_of(entry) != entry.digest:
        yield Finding(slug, entry.sequence, "was edited")
