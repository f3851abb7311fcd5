"""Every registered page as every role: opened or refused as the table says, in so many queries."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from noctis.models import TaskOutcome
from operations.models import Backup, DataAudit, DataFinding, Restoration, StoragePolicy
from operations.services import objectives, stress
from operations.stress import Profile
from recordings.services import schemas
from tenants.console import ConsolePage
from tenants.models import ConsoleSession
from tenants.roles import ConsoleRole
from tests.console.opens import OPENS, SEES_EVERY_TENANT
from tests.console.planted import Planted, is_owned
from tests.console.walk import ROOT, page_of, patterns
from tests.factories import ACTOR, PlatformFactory
from tests.tenants.households import as_

pytestmark = pytest.mark.django_db
PLACES = ["platform", "customer"]
# Session, operator and her memberships are three of them.
MOST_QUERIES = {"index": 12, "list": 10, "change": 14}
# Kinds of pages that change or look up past the services: nobody has them.
NOWHERE = ("add", "delete", "history", "autocomplete", "password_change", "r/<")


def registered() -> dict[str, type[Model]]:
    return {model._meta.label_lower: model for model in admin.site._registry}


def row_of(model: type[Model], planted: Planted) -> Any:
    return planted.rows.get(model) or model._default_manager.order_by("pk").first()


@pytest.fixture
def everything(heron: Planted) -> Planted:
    """Also what is nobody's own."""
    every = IntervalSchedule.objects.create(every=60, period="seconds")
    PeriodicTask.objects.get_or_create(name="sweep", task="sweep", defaults={"interval": every})
    TaskOutcome.objects.create(task="sweep", ended_at=timezone.now())
    objectives.evaluate(at=timezone.now())
    profile = Profile("ingest", 1, 1, 30, 120, 1, 1, 1)
    stress.request_run(profile=profile, actor=ACTOR)
    return heron


def count(browser: Client, url: str) -> tuple[int, int]:
    schemas.forget_active()
    schemas.active()  # remembered for seconds, so that a slow machine would ask for it now and then
    with CaptureQueriesContext(connection) as asked:
        status = browser.get(url).status_code
    return status, len(asked)


def test_the_table_names_every_registered_page() -> None:
    assert set(OPENS) == set(registered()), "say in tests/console/opens.py who opens it"


def test_no_page_has_an_address_to_add_delete_or_look_up_by_form() -> None:
    known = list(patterns())

    assert len(known) > 3 * len(registered())
    assert [p for p in known for kind in NOWHERE if f"/{kind}" in p] == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", ConsoleRole)
def test_a_role_opens_its_pages_and_no_other_in_few_queries(
    role: ConsoleRole, place: str, everything: Planted
) -> None:
    browser = as_(role, PlatformFactory() if place == "platform" else everything.tenant)
    status, queries = count(browser, ROOT)
    assert (status, queries <= MOST_QUERIES["index"]) == (200, True), queries

    for label, model in registered().items():
        wanted = 200 if role in OPENS[label][PLACES.index(place)] else 403
        page, row = page_of(model), row_of(model, everything)
        status, queries = count(browser, page.address("changelist"))
        assert (status, queries <= MOST_QUERIES["list"]) == (wanted, True), (label, queries)
        if row is None or (wanted == 200 and not _is_seen(role, place, page)):
            continue
        status, queries = count(browser, page.address("change", row.pk))
        assert (status, queries <= MOST_QUERIES["change"]) == (wanted, True), (label, queries)
        for action in page.named_actions:
            status, _ = count(browser, f"{page.address('action', action.name)}?pk={row.pk}")
            assert status in ({200, 403} if wanted == 200 else {403}), (label, action.name)


def _is_seen(role: ConsoleRole, place: str, page: ConsolePage) -> bool:
    """Whoever serves the platform's tenant without looking after all sees no customer's rows."""
    return not is_owned(page) or place == "customer" or role in SEES_EVERY_TENANT


def test_what_a_page_asks_does_not_grow_with_what_there_is(everything: Planted) -> None:
    browser = as_("platform_admin", PlatformFactory())
    urls = {ROOT}
    for model in registered().values():
        page, row = page_of(model), row_of(model, everything)
        urls |= {page.address("changelist"), *([page.address("change", row.pk)] if row else [])}
    for url in urls:  # what is asked once a process is asked by now
        browser.get(url)
    asked = []

    for more in (2, 9):
        everything.more(more)
        asked.append({url: count(browser, url) for url in sorted(urls)})

    assert asked[0] == asked[1]


def test_there_is_a_row_behind_most_pages(everything: Planted) -> None:
    """Else the tests above would open empty lists. Of these there is none until something ran."""
    without = {m for m in registered().values() if row_of(m, everything) is None}

    assert without <= {Backup, DataAudit, DataFinding, ConsoleSession, Restoration, StoragePolicy}
