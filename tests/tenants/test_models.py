"""What the database refuses, whoever writes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tenants.models import Membership, ServiceClient, ServiceClientKey, Tenant
from tests.factories import (
    KeyFactory,
    MembershipFactory,
    PlatformFactory,
    ServiceClientFactory,
    TenantFactory,
)

pytestmark = pytest.mark.django_db


def commit(write: Callable[[], object]) -> None:
    """A foreign key over two columns is checked at the end of its transaction."""
    with transaction.atomic():
        write()
        connection.check_constraints()


def refuses(constraint: str, write: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        commit(write)


def test_there_is_one_platform_tenant() -> None:
    platform, other = PlatformFactory(), TenantFactory()

    refuses("tenant_one_platform", lambda: TenantFactory(kind="platform"))
    refuses(
        "tenant_one_platform", lambda: Tenant.objects.filter(pk=other.pk).update(kind="platform")
    )

    assert Tenant.objects.platform().get() == platform


@pytest.mark.parametrize(
    ("field", "constraint"), [("kind", "tenant_kind_known"), ("status", "tenant_status_known")]
)
def test_a_tenants_kind_and_status_are_known_ones(field: str, constraint: str) -> None:
    refuses(constraint, lambda: TenantFactory(**{field: "other"}))


def test_a_slug_is_taken_once() -> None:
    TenantFactory(slug="quay")

    refuses("slug", lambda: TenantFactory(slug="quay"))


def test_a_client_has_a_known_role() -> None:
    refuses("client_role_known", lambda: ServiceClientFactory(role="boss"))


def test_a_clients_name_is_taken_once_in_its_tenant() -> None:
    client = ServiceClientFactory()

    ServiceClientFactory(name=client.name)
    refuses(
        "client_name_once", lambda: ServiceClientFactory(tenant=client.tenant, name=client.name)
    )


def test_a_key_of_another_tenants_client_cannot_exist() -> None:
    key, other = KeyFactory().key, ServiceClientFactory()
    row = ServiceClientKey.objects.filter(pk=key.pk)

    refuses("key_client_of_tenant", lambda: row.update(client=other))
    refuses("key_client_of_tenant", lambda: row.update(tenant=other.tenant))
    refuses(
        "key_client_of_tenant",
        lambda: ServiceClientKey.objects.create(
            tenant=key.tenant, client=other, kid="k_1", algorithm="HS256", material="x"
        ),
    )


def test_a_client_with_keys_cannot_move_to_another_tenant_or_go() -> None:
    client = KeyFactory().key.client
    row = ServiceClient.objects.filter(pk=client.pk)

    refuses("key_client_of_tenant", lambda: row.update(tenant=TenantFactory()))
    refuses("key_client_of_tenant", lambda: row._raw_delete("default"))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"algorithm": "none"}, "key_algorithm_known"),
        ({"algorithm": "HS512"}, "key_algorithm_known"),
        ({"state": "paused"}, "key_state_known_retiring_ends"),
        ({"state": "retiring", "expires_at": None}, "key_state_known_retiring_ends"),
    ],
)
def test_a_keys_algorithm_and_state_are_known_ones(
    change: dict[str, object], constraint: str
) -> None:
    key = KeyFactory().key

    refuses(constraint, lambda: ServiceClientKey.objects.filter(pk=key.pk).update(**change))


def test_a_kid_names_one_key_of_all_tenants() -> None:
    first, second = KeyFactory().key, KeyFactory().key

    refuses("kid", lambda: ServiceClientKey.objects.filter(pk=second.pk).update(kid=first.kid))


def test_a_membership_has_a_known_role_and_is_one_for_each_tenant() -> None:
    membership = MembershipFactory()
    same = {"tenant": membership.tenant, "operator": membership.operator}

    refuses("membership_role_known", lambda: MembershipFactory(role="boss"))
    refuses("membership_once", lambda: Membership.objects.create(**same, role="auditor"))


def test_accepted_keys_are_those_that_are_neither_revoked_nor_past_their_end() -> None:
    now = timezone.now() + timedelta(hours=1)
    client = ServiceClientFactory()
    kept = {
        "endless": KeyFactory(client=client, expires_at=None),
        "ending": KeyFactory(client=client, expires_at=now + timedelta(seconds=1)),
    }
    KeyFactory(client=client, expires_at=now)
    revoked = KeyFactory(client=client).key
    ServiceClientKey.objects.filter(pk=revoked.pk).update(state="revoked")

    accepted = client.keys.accepted(now)

    assert {key.kid for key in accepted} == {issued.key.kid for issued in kept.values()}
