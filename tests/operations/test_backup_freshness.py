"""The age of the last good backup is a number that an alarm can watch."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from operations.models import Backup, Restoration
from operations.tasks.backups import tell_age

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 1, 17, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)


def backup(at: datetime, outcome: str = "done", **facts: object) -> Backup:
    failure = "" if outcome == "done" else "backup_not_written"
    facts = {"path": "/a.dump", "started_at": at, "finished_at": at, "failure": failure, **facts}
    return Backup.objects.create(outcome=outcome, **facts)


def restoration(at: datetime, outcome: str, kind: str = "test") -> Restoration:
    return Restoration.objects.create(
        path="/a.dump", kind=kind, outcome=outcome, started_at=at, finished_at=at
    )


def told(name: str) -> float | None:
    tell_age()
    return REGISTRY.get_sample_value(f"backup_last_{name}_timestamp_seconds")


def test_the_newest_whole_backup_counts() -> None:
    backup(EARLIER)
    backup(NOW, removed_at=NOW)

    assert told("success") == NOW.timestamp()


def test_one_that_failed_does_not_count() -> None:
    backup(EARLIER)
    backup(NOW, "failed")

    assert told("success") == EARLIER.timestamp()


def test_without_any_both_are_as_old_as_can_be() -> None:
    assert (told("success"), told("proof")) == (0.0, 0.0)


@pytest.mark.parametrize(("outcome", "kind"), [("different", "test"), ("equal", "restore")])
def test_only_a_test_that_found_it_equal_is_a_proof(outcome: str, kind: str) -> None:
    restoration(EARLIER, "equal")
    restoration(NOW, outcome, kind)

    assert told("proof") == EARLIER.timestamp()
