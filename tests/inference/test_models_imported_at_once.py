"""Two bring a version at once, with other bytes each: the store has those of who was first."""

import threading
import time

import pytest
from django.db import transaction

from inference.artifacts import LocalStore
from inference.artifacts.faults import ArtifactTaken
from inference.artifacts.folder import Files
from inference.models import ModelVersion
from inference.services import registry
from tenants.models import AuditChain
from tests.factories import PlatformFactory
from tests.inference.test_registry import brought
from tests.recordings.test_nights_sweep import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows", "store", "shipped_schemas", "empty_registry"),
]


def test_a_slow_store_keeps_no_other_step_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = PlatformFactory()
    brought("test-0")  # the platform's chain of decisions has begun
    is_at_work, may_end = threading.Event(), threading.Event()
    mend = LocalStore.mend

    def slowly(store: LocalStore, version: str, files: Files) -> None:
        is_at_work.set()
        may_end.wait(10)
        mend(store, version, files)

    monkeypatch.setattr(LocalStore, "mend", slowly)

    def work(number: int) -> bool:
        if number == 0:
            brought("test-1", seed=1)
            return True
        is_at_work.wait(10)
        try:
            with transaction.atomic():
                return AuditChain.objects.select_for_update(nowait=True).get(tenant=platform) != 0
        finally:
            may_end.set()

    assert at_once(work, 2) == [True, True]


def test_whoever_brings_other_bytes_meanwhile_leaves_the_store_alone() -> None:
    is_there = threading.Event()

    def bring(number: int) -> str:
        if number:
            is_there.wait(10)
            try:
                brought("test-1", seed=number)
            except ArtifactTaken:
                return "refused"
            return "registered"
        with transaction.atomic():
            brought("test-1", seed=number)
            is_there.set()
            time.sleep(0.5)  # the other one comes while nothing of this is committed
        return "registered"

    found = at_once(bring, 2)

    row = ModelVersion.objects.get(version="test-1")
    assert sorted(found) == ["refused", "registered"]
    assert registry.verify_version(row).artifact_hash == row.artifact_hash
