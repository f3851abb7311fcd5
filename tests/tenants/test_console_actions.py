"""Named actions of the console: what they touch, whom they refuse, what they leave written."""

from datetime import timedelta

import pytest
from django.utils import timezone

from noctis import keyring
from tenants.models import AuditEntry, ServiceClientKey
from tests.factories import PlatformFactory
from tests.tenants.households import LISTS, Household, as_, text

pytestmark = pytest.mark.django_db

ACTIONS = {
    "tenant": ("suspend", "resume"),
    "client": ("disable", "enable", "rotate"),
    "key": ("revoke",),
    "schedule": ("off", "on"),
}
EACH_ACTION = [(kind, name) for kind, names in ACTIONS.items() for name in names]


@pytest.mark.parametrize(("kind", "name"), EACH_ACTION)
def test_whoever_only_reads_is_refused_every_action(kind: str, name: str, heron: Household) -> None:
    readers = [as_("auditor", PlatformFactory()), as_("tenant_viewer", heron.tenant)]
    pk = getattr(heron, kind).pk if kind != "schedule" else 1

    answers = [
        browser.post(f"{LISTS[kind]}action/{name}/", {"pk": pk, "reason": "no"})
        for browser in readers
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not AuditEntry.objects.filter(channel="console").exists()


@pytest.mark.parametrize(("kind", "name"), [e for e in EACH_ACTION if e[0] in ("client", "key")])
def test_a_stranger_s_row_is_not_there_for_an_action(
    kind: str, name: str, heron: Household, magpie: Household
) -> None:
    browser = as_("tenant_admin", heron.tenant)

    answer = browser.post(
        f"{LISTS[kind]}action/{name}/", {"pk": getattr(magpie, kind).pk, "reason": "no"}
    )

    assert answer.status_code == 404
    assert not AuditEntry.objects.filter(channel="console").exists()


def test_a_tenant_admin_suspends_nobody_and_is_not_offered_it(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)

    answer = browser.post(
        f"{LISTS['tenant']}action/suspend/", {"pk": heron.tenant.pk, "reason": "no"}
    )

    assert answer.status_code == 403
    assert "action/suspend" not in text(browser.get(f"{LISTS['tenant']}{heron.tenant.pk}/change/"))
    assert 'value="suspend"' not in text(browser.get(LISTS["tenant"]))


def test_suspending_touches_what_it_said_and_names_what_it_left(
    heron: Household, magpie: Household
) -> None:
    platform = PlatformFactory()
    browser = as_("platform_admin", platform)
    url = f"{LISTS['tenant']}action/suspend/"
    pks = [heron.tenant.pk, platform.pk]

    chosen = browser.post(
        LISTS["tenant"], {"action": "suspend", "_selected_action": pks, "index": "0"}
    )
    shown = text(browser.get(chosen["Location"]))
    answer = browser.post(url, {"pk": pks, "reason": "unpaid"}, follow=True)

    heron.tenant.refresh_from_db()
    entry = AuditEntry.objects.get(action="tenant.suspend")
    assert "The platform tenant cannot be suspended." in shown
    assert (heron.tenant.status, entry.reason) == ("suspended", "unpaid")
    assert f"Audit entry {entry.sequence} of heron clinic" in text(answer)
    assert "was left alone: The platform tenant cannot be suspended." in text(answer)
    assert answer.redirect_chain == [(LISTS["tenant"], 302)]


def test_looking_at_an_action_or_giving_no_reason_changes_nothing(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    url = f"{LISTS['client']}action/disable/"

    answers = [
        browser.get(f"{url}?pk={heron.client.pk}&reason=x"),
        browser.post(url, {"pk": heron.client.pk, "reason": " "}),
    ]

    heron.client.refresh_from_db()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert heron.client.is_enabled


def test_disabling_and_enabling_a_client_each_say_so_once(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    body = {"pk": heron.client.pk, "reason": "leaked"}

    for name in ("disable", "disable", "enable"):
        browser.post(f"{LISTS['client']}action/{name}/", body)

    written = AuditEntry.objects.filter(channel="console").order_by("sequence")
    assert [entry.action for entry in written] == ["client.disable", "client.enable"]


def test_revoking_a_key_wants_the_word_typed(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    body = {"pk": heron.key.pk, "reason": "leaked"}
    states = []

    for confirmation in ("", "revoked", "revoke"):
        browser.post(f"{LISTS['key']}action/revoke/", body | {"confirmation": confirmation})
        heron.key.refresh_from_db()
        states.append(heron.key.state)

    assert states == ["active", "active", "revoked"]


def rotation(heron: Household, **changes: object) -> dict[str, object]:
    right = {"algorithm": "HS256", "overlap_days": 7, "reason": "due", "newest": "heron-kid"}
    return {"pk": heron.client.pk, **right, **changes}


def test_a_rotated_key_s_secret_is_shown_once_and_signs(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    url = f"{LISTS['client']}action/rotate/"

    answer = browser.post(url, rotation(heron))
    again = browser.post(url, rotation(heron))

    fresh = ServiceClientKey.objects.get(client=heron.client, state="active")
    secret = keyring.decrypt(fresh.material).decode()
    heron.key.refresh_from_db()
    assert "no-store" in answer["Cache-Control"]
    assert f"NOCTIS_KID={fresh.kid}" in text(answer)
    assert f"NOCTIS_SECRET={secret}" in text(answer)
    assert heron.key.expires_at - timezone.now() > timedelta(days=6)
    assert "Its keys changed since this form was opened." in text(again)
    assert secret not in text(again) + text(browser.get(LISTS["key"]))


def test_a_public_key_that_is_none_is_refused_on_the_form(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)

    answer = browser.post(
        f"{LISTS['client']}action/rotate/", rotation(heron, algorithm="EdDSA", public_key="x")
    )

    assert "errornote" in text(answer)
    assert heron.client.keys.count() == 1
