"""How often keys call: counted in the process, written once a minute, shown by day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants import uses
from tenants.models import KeyDay, ServiceClientKey
from tests.factories import KeyFactory, ServiceClientFactory, signatory
from tests.tenants.conftest import Ask
from tests.tenants.households import LISTS, Household, as_, text

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_calls_are_written_once_a_minute_with_the_refusals_among_them() -> None:
    counted = uses.Uses()

    told = [counted.note("a", NOON + timedelta(seconds=second)) for second in (0, 30, 59)]
    counted.note_refusal("a")
    told += [counted.note("a", NOON + timedelta(seconds=second)) for second in (60, 61, 120)]

    assert told == [None, None, None, (4, 1), None, (2, 0)]


def test_what_is_written_twice_in_a_day_adds_up() -> None:
    client = ServiceClientFactory()

    for calls, refused in ((3, 1), (2, 0)):
        uses.write(client.tenant_id, "a", NOON, (calls, refused))

    assert KeyDay.objects.values_list("calls", "refused").get() == (5, 1)


def test_a_call_and_its_refusal_reach_the_key_s_day(
    whoami: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "WRITTEN_EVERY", timedelta(0))
    issued = KeyFactory(client=ServiceClientFactory(role="read"))
    headers = {"Authorization": f"Bearer {signatory(issued).token()}"}

    assert Client(headers=headers).get("/v1/audit").status_code == 403
    whoami(signatory(issued).token())

    row = KeyDay.objects.get(kid=issued.key.kid)
    assert (row.tenant_id, row.calls, row.refused) == (issued.key.tenant_id, 2, 1)


def test_pages_of_a_key_and_its_client_show_its_days(heron: Household) -> None:
    uses.write(heron.tenant.pk, heron.key.kid, timezone.now(), (7, 2))
    uses.write(heron.tenant.pk, "heron-kid", timezone.now(), (7, 2))
    browser = as_("tenant_admin", heron.tenant)

    pages = [
        text(browser.get(f"{LISTS['key']}{heron.key.pk}/change/")),
        text(browser.get(f"{LISTS['client']}{heron.client.pk}/change/")),
    ]

    for page in pages:
        assert "Calls by day" in page
        assert "<td>5</td><td>2</td>" in page


def test_a_key_that_is_still_used_is_not_ended_in_passing(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    ServiceClientKey.objects.filter(pk=heron.key.pk).update(last_used_at=timezone.now())
    url = f"{LISTS['key']}action/revoke/"
    body = {"pk": heron.key.pk, "reason": "rotated", "confirmation": "revoke"}
    states = []

    answers = []
    for more in ({}, {"although_used": "on"}):
        answers.append(text(browser.post(url, body | more, follow=True)))
        heron.key.refresh_from_db()
        states.append(heron.key.state)

    assert states == ["active", "revoked"]
    assert "was left alone" in answers[0]
    assert "was last used" in answers[0]
