"""Nothing of another tenant's is told: in no list, filter, search, object, action or link.

Two tenants hold a row of every kind, marked in every text; the walk opens all there is."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from tenants.console import TenantFilter
from tenants.models import Tenant
from tenants.roles import ConsoleRole
from tests.console.planted import Planted, is_owned
from tests.console.walk import ROOT, Answer, crawl, outright, page_of, palette, roundabout
from tests.factories import PlatformFactory
from tests.tenants.households import as_

pytestmark = pytest.mark.django_db
OWNED = [model for model, page in admin.site._registry.items() if is_owned(page)]
VARYING = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|\d\d:\d\d(:\d\d)?|X-\w+-Id: \w+')


def leaks(answers: Iterable[Answer], of: Planted) -> list[str]:
    traces = of.traces()
    found = ((answer.url, traces.search(answer.told)) for answer in answers)
    return [f"{url} tells {match.group()}" for url, match in found if match]


def asked(browser: Client, urls: Iterable[str]) -> Iterator[Answer]:
    return (Answer(url, browser.get(url, follow=True)) for url in urls)


@pytest.mark.parametrize("role", ConsoleRole)
def test_what_a_role_can_click_on_is_her_tenants_alone(
    role: ConsoleRole, heron: Planted, magpie: Planted
) -> None:
    browser = as_(role, heron.tenant)

    answers = list(crawl(browser))

    opened = {answer.url for answer in answers}
    reads = {m for m in OWNED if browser.get(page_of(m).address("changelist")).status_code == 200}
    assert leaks(answers, magpie) == []
    assert {page_of(model).address("changelist") for model in reads} <= opened
    assert {page_of(m).address("change", heron.rows[m].pk) for m in reads} <= opened
    assert [a.url for a in answers if a.response.status_code not in (200, 302)] == []


@pytest.mark.parametrize("role", ConsoleRole)
def test_naming_another_tenants_rows_outright_finds_nothing(
    role: ConsoleRole, heron: Planted, magpie: Planted
) -> None:
    browser = as_(role, heron.tenant)

    answers = [a for model in OWNED for a in asked(browser, outright(model, magpie))]
    answers += asked(browser, palette(magpie))

    assert leaks(answers, magpie) == []
    assert {a.response.status_code for a in answers} <= {200, 302, 403, 404}


def test_no_text_id_or_column_of_another_tenants_rows_finds_them(
    heron: Planted, magpie: Planted
) -> None:
    browser = as_("tenant_admin", heron.tenant)

    answers = [a for model in OWNED for a in asked(browser, roundabout(model, magpie))]

    assert leaks(answers, magpie) == []
    assert {a.response.status_code for a in answers} <= {200, 302, 400, 403, 404}


def test_another_tenants_row_answers_as_one_that_is_not_there(
    heron: Planted, magpie: Planted
) -> None:
    browser = as_("tenant_admin", heron.tenant)
    absent = 987_654_321

    for model in OWNED:
        page, strange = page_of(model), magpie.rows[model].pk
        for kind in ("change", *(f"action/{action.name}" for action in page.named_actions)):
            base = page.address("changelist")
            pair = [_opened(browser, base, kind, pk) for pk in (strange, absent)]
            assert pair[0] == pair[1], (model, kind)


def _opened(browser: Client, base: str, kind: str, pk: int) -> tuple[int, str]:
    url = f"{base}{pk}/change/" if kind == "change" else f"{base}{kind}/?pk={pk}"
    answer = browser.get(url, follow=True)
    told = VARYING.sub("", answer.content.decode())
    return answer.status_code, re.sub(rf"<code>\w+</code>|\b{pk}\b(?=[”/]|$)", "?", told)


@pytest.mark.parametrize("role", [ConsoleRole.TENANT_ADMIN, ConsoleRole.OPERATOR])
def test_no_action_reaches_another_tenants_row(
    role: ConsoleRole, heron: Planted, magpie: Planted
) -> None:
    browser = as_(role, heron.tenant)

    for model in OWNED:
        before = model._base_manager.filter(pk=magpie.rows[model].pk).values().get()
        for action in page_of(model).named_actions:
            body = {"pk": before["id"], "reason": "mine", "confirmation": action.name}
            many = {"action": action.name, "_selected_action": before["id"], "index": "0"}
            base = page_of(model).address("changelist")

            answer = browser.post(page_of(model).address("action", action.name), body)
            chosen = Answer(base, browser.post(base, many))

            assert answer.status_code in (403, 404), (model, action.name)
            assert leaks([chosen], magpie) == []
            assert f"pk={before['id']}" not in chosen.response.headers.get("Location", "")
        assert model._base_manager.filter(pk=before["id"]).values().get() == before


def test_what_another_tenant_has_changes_nothing_on_a_page(heron: Planted) -> None:
    """Not a number on a tile either."""
    browser = as_("tenant_admin", heron.tenant)
    urls = [ROOT, *(page_of(model).address("changelist") for model in OWNED)]

    before = [VARYING.sub("", answer.told) for answer in asked(browser, urls)]
    Planted("magpie")
    after = [VARYING.sub("", answer.told) for answer in asked(browser, urls)]

    assert before == after


def test_a_page_that_forgets_whose_rows_it_shows_is_found_out(
    heron: Planted, magpie: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_("tenant_admin", heron.tenant)

    for model in OWNED:
        with monkeypatch.context() as patched:
            patched.setattr(type(page_of(model)), "within", _every_row)
            answers = list(asked(browser, [page_of(model).address("changelist")]))
            answers += asked(browser, outright(model, magpie))

        assert len({url.split(" ")[0] for url in leaks(answers, magpie)}) >= 3, model


def test_a_filter_that_offers_every_tenant_is_found_out(
    heron: Planted, magpie: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_("tenant_admin", heron.tenant)
    monkeypatch.setattr(TenantFilter, "lookups", _every_tenant)

    for model in OWNED:
        if TenantFilter in page_of(model).list_filter:
            answers = asked(browser, [page_of(model).address("changelist")])
            assert leaks(answers, magpie), model


def _every_row(page: object, rows: Any, tenant_ids: object) -> Any:
    return rows


def _every_tenant(*_: object) -> list[tuple[str, str]]:
    return list(Tenant.objects.values_list("slug", "name"))


def test_the_platforms_people_see_every_tenants_rows_and_nobodys_secrets(
    heron: Planted, magpie: Planted
) -> None:
    """The control: the same addresses find both tenants where they may."""
    browser = as_("platform_admin", PlatformFactory())

    for tenant in (heron, magpie):
        for model in OWNED:
            answers = list(asked(browser, outright(model, tenant)))
            assert leaks(answers, tenant), model
            assert not [a for a in answers if tenant.secrets().search(a.told)]
        assert leaks(asked(browser, palette(tenant)), tenant)
        assert tenant.secrets().pattern.count("|") >= 2
