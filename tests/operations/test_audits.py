"""Audits of the data: each check finds what it is for; a finding is opened once, and closed."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from inference.services import staging
from noctis.db.maintenance import maintenance
from operations import audits as checks
from operations.models import DataAudit, DataFinding, StoragePolicy
from operations.services import audits
from recordings.models import Recording
from tenants.services import tenants
from tests.calling import calling_as
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference.conftest import shipped_schemas, store
from tests.inference.staged import closed, serve
from tests.tenants.households import as_, text

__all__ = ["shipped_schemas", "store"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]


@pytest.fixture
def night() -> Recording:
    serve()
    found = closed(TenantFactory(), 60)
    staging.stage_night(recording_id=found.pk)
    found.refresh_from_db()
    return found


def execute(sql: str, *values: object) -> None:
    with maintenance(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def lose_an_epoch(night: Recording) -> None:
    execute("DELETE FROM recordings_epoch WHERE recording_id = %s AND epoch_index = 7", night.pk)


def move_an_epoch(night: Recording) -> None:
    execute(
        "UPDATE recordings_epoch SET epoch_start_ts = epoch_start_ts + interval '5 seconds'"
        " WHERE recording_id = %s AND epoch_index = 7",
        night.pk,
    )


def shorten_an_epoch(night: Recording) -> None:
    execute(
        "UPDATE recordings_epoch SET features = features[1:14]"
        " WHERE recording_id = %s AND epoch_index = 7",
        night.pk,
    )


def give_epochs_to_another(night: Recording) -> None:
    other = TenantFactory()
    execute(
        "UPDATE recordings_epoch SET tenant_id = %s WHERE recording_id = %s", other.pk, night.pk
    )


def give_predictions_to_nobody(night: Recording) -> None:
    execute("UPDATE inference_prediction SET recording_id = -1 WHERE recording_id = %s", night.pk)


def lose_a_prediction(night: Recording) -> None:
    execute(
        "DELETE FROM inference_prediction WHERE recording_id = %s AND epoch_index = 9", night.pk
    )


def keep_too_long(night: Recording) -> None:
    StoragePolicy.objects.filter(name="epochs.retention").update(value=1)
    execute(
        "UPDATE recordings_recording SET started_at = started_at - interval '4 days' WHERE id = %s",
        night.pk,
    )


def leave_a_gap(night: Recording) -> None:
    lose_an_epoch(night)
    Recording.objects.filter(pk=night.pk).update(epoch_count=59)


def drop_the_key(_: Recording) -> None:
    execute("ALTER TABLE recordings_epoch DROP CONSTRAINT recordings_epoch_pkey")


def leave_a_reference_unchecked(_: Recording) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute(
        "ALTER TABLE devices_device ADD CONSTRAINT unchecked FOREIGN KEY (tenant_id)"
        " REFERENCES tenants_tenant (id) NOT VALID"
    )


def edit_the_log(night: Recording) -> None:
    tenants.suspend_tenant(tenant=night.tenant, actor=ACTOR, reason="a test")
    execute("UPDATE tenants_auditentry SET reason = 'x' WHERE tenant_id = %s", night.tenant_id)


BREAKS: dict[str, Callable[[Recording], None]] = {
    "unique_keys": drop_the_key,
    "references": leave_a_reference_unchecked,
    "epoch_counts": lose_an_epoch,
    "off_grid": move_an_epoch,
    "schema_mismatches": shorten_an_epoch,
    "orphan_epochs": give_epochs_to_another,
    "orphan_predictions": give_predictions_to_nobody,
    "hypnograms_unlogged": lose_a_prediction,
    "past_retention": keep_too_long,
    "gaps": leave_a_gap,
    "audit_chains": edit_the_log,
}


def found() -> dict[str, int | None]:
    return {one.check.name: one.count for one in audits.run(at=timezone.now())}


def test_of_a_night_that_is_whole_nothing_is_found(night: Recording) -> None:
    assert found() == dict.fromkeys(checks.BY_NAME, 0)
    assert not DataFinding.objects.exists()
    assert DataAudit.objects.get().unfinished == []


@pytest.mark.parametrize("name", checks.BY_NAME)
def test_a_check_finds_what_it_is_for(name: str, night: Recording) -> None:
    BREAKS[name](night)

    assert found()[name]

    row = DataFinding.objects.get(check_name=name)
    assert row.examples
    assert row.is_fault == (name != "gaps")


def test_a_finding_is_opened_once_and_closed_when_it_is_gone(night: Recording) -> None:
    lose_an_epoch(night)
    begun = timezone.now()
    for minutes in (0, 15):
        audits.run(at=begun + timedelta(minutes=minutes))
    still_open = DataFinding.objects.get(check_name="epoch_counts")
    Recording.objects.filter(pk=night.pk).update(epoch_count=59)

    audits.run(at=begun + timedelta(minutes=30))

    closed_one = DataFinding.objects.get(check_name="epoch_counts")
    assert (still_open.opened_at, still_open.closed_at) == (begun, None)
    assert still_open.seen_at == begun + timedelta(minutes=15)
    assert closed_one.closed_at == begun + timedelta(minutes=30)


def test_a_check_that_takes_too_long_is_unfinished_and_closes_nothing(
    night: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_an_epoch(night)
    found()
    slow = checks.Check("epoch_counts", "x", "SELECT 'x' AS told FROM pg_sleep(5)")
    monkeypatch.setattr(checks, "CHECKS", (slow,))
    monkeypatch.setattr(audits, "LONGEST_CHECK_S", 0.2)

    assert found()["epoch_counts"] is None

    assert DataAudit.objects.first().unfinished == ["epoch_counts"]
    assert DataFinding.objects.get(check_name="epoch_counts").closed_at is None


def test_the_report_the_command_and_the_console_tell_the_same(night: Recording) -> None:
    platform = PlatformFactory()
    ask = calling_as("admin", platform)
    before = ask("GET", "/internal/audit/report").json()
    lose_an_epoch(night)

    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("integrity", stdout=out)
    body = ask("GET", "/internal/audit/report").json()
    listed = text(as_("auditor", platform).get("/console/operations/datafinding/"))

    assert (before["at"], before["findings"]) == (None, [])
    assert ended.value.code == 1
    told = {row["check"]: row for row in body["findings"]}["epoch_counts"]
    assert told["examples"] == [f"recording {night.uuid}: counted 60, stored 59"]
    assert told["examples"][0] in out.getvalue()
    assert "counter equals the epochs" in listed
