"""The console on backups: for the platform's own operators, with what became of each."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from operations.models import Backup, Restoration
from tests.factories import PlatformFactory, TenantFactory
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db
BACKUPS = "/console/operations/backup/"
RESTORES = "/console/operations/restoration/"
AT = datetime(2026, 1, 1, 2, 17, tzinfo=UTC)
HASH = "ab" * 32


def backup(name: str = "a.dump", **facts: object) -> Backup:
    known = {"outcome": "done", "started_at": AT, "finished_at": AT, "request_id": "r"}
    return Backup.objects.create(path=f"/backups/{name}", **known | facts)


def restoration(**facts: object) -> Restoration:
    known = {"outcome": "equal", "kind": "test", "started_at": AT, "finished_at": AT}
    return Restoration.objects.create(path="/backups/a.dump", request_id="r", **known | facts)


@pytest.fixture
def browser() -> Client:
    return as_("platform_admin", PlatformFactory())


def test_a_backup_is_shown_with_its_size_and_its_restores(browser: Client) -> None:
    row = backup(size_bytes=12_345_678, sha256=HASH, row_count=4711)

    listed = text(browser.get(BACKUPS))
    shown = text(browser.get(f"{BACKUPS}{row.pk}/change/"))

    assert "12.3 MB" in listed
    assert "a.dump" in listed
    assert HASH in shown
    assert f"{RESTORES}?q={HASH}" in shown


def test_a_failed_backup_says_why(browser: Client) -> None:
    row = backup(outcome="failed", failure="backup_running", detail="Wait for its end.")

    shown = text(browser.get(f"{BACKUPS}{row.pk}/change/"))

    assert "backup_running" in shown
    assert "Wait for its end." in shown


def test_a_restore_lists_what_it_found_different_and_nothing_is_taken_for_markup(
    browser: Client,
) -> None:
    row = restoration(outcome="different", differences=["public.<b>: 1 rows instead of 2"])

    listed = text(browser.get(RESTORES))
    shown = text(browser.get(f"{RESTORES}{row.pk}/change/"))

    assert "different" in listed
    assert "<li>public.&lt;b&gt;: 1 rows instead of 2</li>" in shown


@pytest.mark.parametrize("url", [BACKUPS, RESTORES])
def test_no_tenants_operator_sees_the_platforms_backups(url: str) -> None:
    backup()
    restoration()

    answer = as_("tenant_admin", TenantFactory()).get(url)

    assert answer.status_code == 403


@pytest.mark.parametrize("url", [BACKUPS, RESTORES])
def test_a_list_costs_the_same_whatever_its_length(browser: Client, url: str) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            backup()
            restoration()
        browser.get(url)
        with CaptureQueriesContext(connection) as asked:
            browser.get(url)
        counts.append(len(asked))

    assert counts[0] == counts[1]
