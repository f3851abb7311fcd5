"""What runs by itself is safe to run twice."""

from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from noctis.db.maintenance import maintenance
from noctis.schedules import SCHEDULES
from tenants import tasks
from tenants.models import AuditEntry
from tenants.services import audit, clients, tenants
from tests.factories import ACTOR, KeyFactory, OperatorFactory, TenantFactory

pytestmark = pytest.mark.django_db


def test_every_schedule_names_a_task_that_is_there() -> None:
    known = {f"tenants.tasks.{name}" for name in vars(tasks)}

    own = [row["task"] for row in SCHEDULES.values() if row["task"].startswith("tenants.")]

    assert own
    assert set(own) <= known


def test_an_expired_key_is_revoked_once_by_the_schedule() -> None:
    key = KeyFactory().key
    clients.rotate_key(client=key.client, overlap=timedelta(0), actor=ACTOR)

    counts = [tasks.revoke_expired_keys() for _ in range(2)]

    (entry,) = AuditEntry.objects.filter(action="key.revoke")
    assert counts == [1, 0]
    assert (entry.actor, entry.channel, entry.object_id) == ("schedule", "task", key.kid)


def test_expired_refresh_tokens_are_forgotten_and_others_kept() -> None:
    person, now = OperatorFactory(), timezone.now()
    for name, days in (("spent", -1), ("good", 1)):
        ends_at = now + timedelta(days=days)
        row = OutstandingToken.objects.create(
            user=person, jti=name, token=name, created_at=now, expires_at=ends_at
        )
        BlacklistedToken.objects.create(token=row)

    for _ in range(2):
        tasks.forget_expired_refresh_tokens()

    assert list(OutstandingToken.objects.values_list("jti", flat=True)) == ["good"]
    assert BlacklistedToken.objects.get().token.jti == "good"


def test_a_broken_chain_is_an_error_line_and_every_end_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    whole, broken = (
        tenants.create_tenant(slug=slug, name=slug, actor=ACTOR) for slug in ("quay", "reef")
    )
    with maintenance():
        AuditEntry.objects.owned_by(broken).update(reason="other")

    counts = [tasks.verify_audit_chains() for _ in range(2)]

    lines = [record.msg for record in caplog.records if record.name == "tenants.tasks"]
    findings = [line for line in lines if line["event"] == "audit_chain_broken"]
    anchors = [line["anchor"] for line in lines if line["event"] == "audit_head"]
    assert counts == [1, 1]
    assert [(line["tenant"], line["sequence"], line["what"]) for line in findings] == [
        ("reef", 1, "was edited")
    ] * 2
    assert {line["level"] for line in findings} == {"error"}
    assert set(anchors) == {str(audit.head(tenant)) for tenant in (whole, broken)}


def test_active_tenants_are_counted() -> None:
    TenantFactory()
    tenants.suspend_tenant(tenant=TenantFactory(), actor=ACTOR, reason="")

    for _ in range(2):
        tasks.count_active_tenants()

    assert REGISTRY.get_sample_value("active_tenant_count") == 1
