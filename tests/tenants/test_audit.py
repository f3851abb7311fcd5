"""The audit log: in the change's own transaction, append-only, and a chain that tells on attackers.

The attacker of these tests has passed the trigger by `maintenance`, as somebody with the database's
own rights would."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from noctis import context, errors
from noctis.db.maintenance import maintenance
from tenants.models import AuditChain, AuditEntry, Tenant
from tenants.services import audit, clients, operators, tenants
from tenants.services.audit import Anchor
from tests.factories import ACTOR, PASSWORD, ServiceClientFactory, TenantFactory

LENGTH = 5
WRITERS = 8
EACH_WRITES = 5


def write(tenant: Tenant, count: int = 1) -> None:
    for number in range(count):
        with transaction.atomic():
            change = ({"n": number}, {"n": number + 1, "é": None})
            audit.record(
                actor=ACTOR, tenant=tenant, action="test.step", subject=tenant, change=change
            )


def suspend_and_fail(tenant: Tenant) -> None:
    with transaction.atomic():
        tenants.suspend_tenant(tenant=tenant, actor=ACTOR, reason="")
        raise ZeroDivisionError


def found(tenant: Tenant, *anchors: Anchor) -> list[str]:
    return [
        f"{finding.sequence}: {finding.what}"
        for finding in audit.verify(tenant=tenant, anchors=anchors)
    ]


def entries(tenant: Tenant, **fields: object) -> object:
    return AuditEntry.objects.owned_by(tenant).filter(**fields)


@pytest.fixture
def tenant(db: None) -> Tenant:
    tenant = TenantFactory()
    write(tenant, LENGTH)
    connection.check_constraints()  # otherwise pending ones refuse a TRUNCATE before its trigger
    return tenant


def rewrite(tenant: Tenant) -> None:
    """Compute the whole chain anew, as an attacker with this repository would."""
    digest = ""
    for sequence, entry in enumerate(entries(tenant).order_by("sequence"), start=1):
        entry.sequence, entry.previous_digest = sequence, digest
        entry.digest = digest = audit.digest_of(entry)
        entry.save()
    AuditChain.objects.filter(tenant=tenant).update(sequence=sequence, digest=digest)


# In the transaction of the change.


def test_an_entry_tells_who_when_through_what_and_why(tenant: Tenant) -> None:
    context.begin("request-7")

    tenants.suspend_tenant(tenant=tenant, actor=ACTOR, reason="unpaid")

    entry = entries(tenant).latest("sequence")
    assert (entry.actor, entry.channel, entry.action) == ("test", "command", "tenant.suspend")
    assert (entry.object_type, entry.object_id) == ("tenant", str(tenant.uuid))
    assert (entry.before, entry.after) == ({"status": "active"}, {"status": "suspended"})
    assert (entry.reason, entry.request_id) == ("unpaid", "request-7")


def test_a_change_that_fails_leaves_no_entry(tenant: Tenant) -> None:
    with pytest.raises(ZeroDivisionError):
        suspend_and_fail(tenant)

    assert entries(tenant).count() == LENGTH
    assert found(tenant) == []


def test_a_change_whose_entry_is_refused_does_not_happen(tenant: Tenant) -> None:
    with pytest.raises(errors.Invalid):
        tenants.suspend_tenant(tenant=tenant, actor=ACTOR, reason="x" * 501)

    tenant.refresh_from_db()
    assert not tenant.is_suspended


def test_a_change_whose_entry_fails_in_the_database_does_not_happen(tenant: Tenant) -> None:
    AuditChain.objects.filter(tenant=tenant).update(sequence=F("sequence") - 1)

    with pytest.raises(DatabaseError, match="audit_sequence_once"), transaction.atomic():
        tenants.suspend_tenant(tenant=tenant, actor=ACTOR, reason="")

    tenant.refresh_from_db()
    assert not tenant.is_suspended


def test_an_entry_outside_a_transaction_is_refused(committed_rows: None) -> None:
    tenant = TenantFactory()

    with pytest.raises(transaction.TransactionManagementError):
        audit.record(actor=ACTOR, tenant=tenant, action="test.step", subject=tenant)

    assert not AuditChain.objects.exists()


def test_the_log_keeps_an_anchor_of_committed_entries_only(
    tenant: Tenant,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    caplog.set_level("INFO")

    with django_capture_on_commit_callbacks(execute=True):
        write(tenant)
        with pytest.raises(ZeroDivisionError):
            suspend_and_fail(tenant)

    anchors = [record.msg["anchor"] for record in caplog.records if record.msg["event"] == "audit"]
    assert anchors == [str(audit.head(tenant))]
    assert found(tenant, Anchor.parsed(anchors[0])) == []


def test_no_secret_is_in_any_entry(db: None) -> None:
    tenant = TenantFactory()
    client, first = clients.create_client(tenant=tenant, name="gate", role="read", actor=ACTOR)
    second = clients.rotate_key(client=client, overlap=clients.LONGEST_OVERLAP, actor=ACTOR)
    person = operators.create_operator(
        username="ada", password=PASSWORD, tenant=tenant, role="tenant_admin", actor=ACTOR
    )
    otp = operators.enrol_second_factor(operator=person, tenant=tenant, actor=ACTOR)
    material = list(client.keys.values_list("material", flat=True))

    told = json.dumps(list(entries(tenant).values()), default=str)

    assert len(material) == 2
    for secret in (first.secret, second.secret, PASSWORD, otp, person.otp_secret, *material):
        assert secret
        assert secret not in told
    assert first.key.kid in told


# Append-only, by the database.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_auditentry SET reason = 'other'",
        "DELETE FROM tenants_auditentry",
        "TRUNCATE tenants_auditentry",
    ],
)
def test_the_database_refuses_to_change_entries(tenant: Tenant, statement: str) -> None:
    refused = pytest.raises(DatabaseError, match="append-only")

    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert entries(tenant).count() == LENGTH


# A chain that tells on whoever got past the trigger.

EDITS = {
    "at": F("at") + timedelta(microseconds=1),
    "actor": "nobody",
    "channel": "console",
    "action": "test.other",
    "object_type": "client",
    "object_id": "other",
    "before": {"n": 99},
    "after": {"n": 2},
    "reason": "because",
    "request_id": "other",
}


def test_every_field_of_an_entry_is_in_the_chain() -> None:
    known = {field.name for field in AuditEntry._meta.fields}

    assert known == {*EDITS, "id", "tenant", "sequence", "previous_digest", "digest"}


def test_an_untouched_chain_holds(tenant: Tenant) -> None:
    assert found(tenant) == []


@pytest.mark.parametrize("field", EDITS)
def test_an_edited_field_is_found(tenant: Tenant, field: str) -> None:
    with maintenance():
        assert entries(tenant, sequence=3).update(**{field: EDITS[field]}) == 1

    assert found(tenant) == ["3: was edited"]


def test_an_edited_entry_with_a_new_digest_no_longer_fits_the_next(tenant: Tenant) -> None:
    entry = entries(tenant).get(sequence=3)
    entry.actor = "nobody"
    entry.digest = audit.digest_of(entry)
    with maintenance():
        entry.save()

    assert found(tenant) == ["4: does not follow the entry before it"]


def test_an_entry_moved_to_another_tenant_is_found_in_both(tenant: Tenant) -> None:
    other = TenantFactory()
    with maintenance():
        entries(tenant, sequence=1).update(tenant=other)

    assert found(tenant) == ["2: entry 1 is missing"]
    assert found(other) == ["1: was edited", "2: the chain's end is missing or was replaced"]


def test_an_entry_removed_in_the_middle_is_found(tenant: Tenant) -> None:
    with maintenance():
        entries(tenant, sequence=3).delete()

    assert found(tenant) == ["4: entry 3 is missing"]


def test_a_removed_tail_is_found(tenant: Tenant) -> None:
    with maintenance():
        entries(tenant, sequence__gt=3).delete()

    assert found(tenant) == ["4: the chain's end is missing or was replaced"]


def test_a_truncated_table_is_found(tenant: Tenant) -> None:
    with maintenance(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE tenants_auditentry")

    assert found(tenant) == ["1: the chain's end is missing or was replaced"]


def test_two_entries_in_each_others_place_are_found(tenant: Tenant) -> None:
    with maintenance():
        entries(tenant, sequence=2).update(sequence=-1)
        entries(tenant, sequence=3).update(sequence=2)
        entries(tenant, sequence=-1).update(sequence=3)

    assert found(tenant)[:2] == ["2: does not follow the entry before it", "2: was edited"]


def test_a_forged_entry_after_the_end_is_found(tenant: Tenant) -> None:
    entry = entries(tenant).latest("sequence")
    entry.pk, entry.sequence, entry.previous_digest = None, LENGTH + 1, entry.digest
    entry.digest = audit.digest_of(entry)
    entry.save(force_insert=True)

    assert found(tenant) == [f"{LENGTH + 2}: the chain's end is missing or was replaced"]


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"sequence": LENGTH - 1}])
def test_a_replaced_end_is_found(tenant: Tenant, change: dict[str, object]) -> None:
    AuditChain.objects.filter(tenant=tenant).update(**change)

    assert found(tenant) == [f"{LENGTH + 1}: the chain's end is missing or was replaced"]


def test_a_removed_end_is_found(tenant: Tenant) -> None:
    AuditChain.objects.filter(tenant=tenant).delete()

    assert found(tenant) == [f"{LENGTH + 1}: the chain's end is missing or was replaced"]


def test_a_broken_chain_leaves_another_tenants_chain_whole(tenant: Tenant) -> None:
    other = TenantFactory()
    write(other, 2)
    with maintenance():
        entries(tenant, sequence=3).delete()

    assert found(other) == []
    assert list(entries(other).values_list("sequence", flat=True)) == [2, 1]


# What only an anchor outside the database can tell.


def test_a_chain_rewritten_as_a_whole_holds_but_not_to_an_anchor(tenant: Tenant) -> None:
    seen = audit.head(tenant)
    with maintenance():
        entries(tenant, sequence=2).update(actor="nobody")
        rewrite(tenant)

    assert found(tenant) == []
    assert found(tenant, seen) == [f"{LENGTH}: is not the entry that was anchored"]


def test_a_tail_removed_together_with_the_end_does_not_hold_to_an_anchor(tenant: Tenant) -> None:
    seen = audit.head(tenant)
    with maintenance():
        entries(tenant, sequence__gt=2).delete()
        rewrite(tenant)

    assert found(tenant) == []
    assert found(tenant, seen) == [f"{LENGTH}: is not the entry that was anchored"]


def test_a_chain_removed_as_a_whole_does_not_hold_to_an_anchor(tenant: Tenant) -> None:
    seen = audit.head(tenant)
    with maintenance():
        entries(tenant).delete()
        AuditChain.objects.filter(tenant=tenant).delete()

    assert found(tenant) == []
    assert found(tenant, seen) == [f"{LENGTH}: is not the entry that was anchored"]


def test_a_chain_that_went_on_holds_to_every_anchor_seen(tenant: Tenant) -> None:
    first = audit.head(tenant)
    write(tenant, 2)
    second = audit.head(tenant)
    write(tenant)

    assert found(tenant, first, second) == []
    assert Anchor.parsed(str(first)) == first


# Several writers at once.


def test_writers_at_once_keep_one_unbroken_chain(committed_rows: None) -> None:
    shared, other = TenantFactory(), TenantFactory()
    write(other)
    subjects = [ServiceClientFactory(tenant=shared) for _ in range(WRITERS)]

    def work(number: int) -> None:
        try:
            for step in range(EACH_WRITES):
                is_enabled = step % 2 == 1
                clients.set_enabled(client=subjects[number], is_enabled=is_enabled, actor=ACTOR)
                assert found(shared) == []
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))

    assert found(shared) == []
    assert entries(shared).count() == audit.head(shared).sequence == WRITERS * EACH_WRITES
    assert audit.head(other).sequence == 1
