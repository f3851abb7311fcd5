"""Pages of the menu without a model: opened by whom their capability names, in few queries."""

from typing import cast

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.console import ConsoleSite
from tenants.roles import ConsoleRole
from tests.console.opens import INSTALLATION
from tests.factories import PlatformFactory, TenantFactory
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db
PAGES = {page.name: page for page in cast(ConsoleSite, admin.site).standing}
# Session, operator and her memberships are three of them; a report asks each part.
MOST_QUERIES = 20


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", ConsoleRole)
def test_a_page_is_opened_in_the_menu_of_those_who_look_after_the_installation(
    role: ConsoleRole, name: str
) -> None:
    page = PAGES[name]
    ours, theirs = as_(role, PlatformFactory()), as_(role, TenantFactory())

    with CaptureQueriesContext(connection) as asked:
        answer = ours.get(page.address)

    assert answer.status_code == (200 if role in INSTALLATION else 403)
    assert len(asked) <= MOST_QUERIES
    assert theirs.get(page.address).status_code == 403
    assert (page.address in text(ours.get("/console/"))) == (role in INSTALLATION)
    assert page.address not in text(theirs.get("/console/"))


def test_the_palette_finds_them() -> None:
    found = as_("operator", PlatformFactory()).get("/console/search/?q=perform&as=json").json()

    assert [row["name"] for row in found["found"]] == ["Performance"]
