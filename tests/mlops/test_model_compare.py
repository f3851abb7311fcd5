"""`manage.py model compare`: two versions on the same stored nights, whether or not they serve."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inference.artifacts import Training, files_of
from inference.models import Hypnogram, Prediction
from inference.services import model_imports, staging
from recordings.models import Recording
from tenants.models import Tenant
from tests.factories import TenantFactory
from tests.inference import drafts
from tests.inference.conftest import empty_registry, store
from tests.inference.staged import DECISION, closed, serve
from tests.mlops.staged_nights import score
from tests.mlops.test_gate_runs import subject_mark_of

__all__ = ["empty_registry", "store"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _versions(empty_registry: None, store: Path) -> None:
    serve("first", seed=1)
    draft = drafts.draft("second", drafts.linear(2))
    model_imports.import_version(files=files_of(draft), decision=DECISION)


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


def compare(*more: str) -> dict[str, Any]:
    out = StringIO()
    call_command("model", "compare", "first", "second", "--json", *more, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def nights_of(tenant: Tenant, count: int) -> list[Recording]:
    nights = [closed(tenant, 60) for _ in range(count)]
    for night in nights:
        score(night, "W" * 20 + "L" * 20 + "R" * 20)
    return nights


def test_a_candidate_is_compared_with_what_serves(tenant: Tenant) -> None:
    nights = nights_of(tenant, 3)
    staging.stage_night(recording_id=nights[0].pk)

    found = compare("--tenant", tenant.slug)

    assert found["versions"] == {"a": "first", "b": "second"}
    assert found["nights"] == 3
    pairs = found["pairs"]
    assert pairs["a against b"]["nights"] == pairs["b against truth"]["nights"] == 3
    assert pairs["a against stored"]["kappa"] == pytest.approx(1)
    assert pairs["a against stored"]["nights"] == 1
    assert found["difference"]["units"] == 3
    assert found["difference"]["verdict"] == "unknown"
    assert 0 < found["lines"]["b"]["latency_ms"]["p50"] < 1_000


def test_the_most_different_nights_are_told_epoch_by_epoch(tenant: Tenant) -> None:
    nights = nights_of(tenant, 2)

    pictures = compare("--tenant", tenant.slug)["pictures"]

    assert {one["night"] for one in pictures} == {str(night.uuid) for night in nights}
    assert pictures[0]["lines"]["truth"] == "W" * 20 + "L" * 20 + "R" * 20
    assert len(pictures[0]["lines"]["a"]) == 60
    assert set(pictures[0]["lines"]["b"]) <= set("WLDR?")


def test_comparing_writes_nothing(tenant: Tenant) -> None:
    nights_of(tenant, 1)

    compare("--tenant", tenant.slug)

    assert not Prediction.objects.exists()
    assert not Hypnogram.objects.exists()


def test_only_the_newest_nights_are_taken(tenant: Tenant) -> None:
    nights_of(tenant, 3)

    assert compare("--tenant", tenant.slug, "--nights", "2")["nights"] == 2


def test_nights_of_other_tenants_are_not_taken(tenant: Tenant) -> None:
    nights_of(tenant, 1)

    assert compare("--tenant", TenantFactory().slug)["nights"] == 0
    assert compare()["nights"] == 1


def test_a_night_without_epochs_is_not_taken(tenant: Tenant) -> None:
    closed(tenant, 0)

    assert compare("--tenant", tenant.slug)["nights"] == 0


def test_people_read_tables(tenant: Tenant) -> None:
    nights_of(tenant, 2)
    out = StringIO()

    call_command("model", "compare", "first", "second", stdout=out)

    assert "b against truth" in out.getvalue()
    assert "kappa of a less kappa of b" in out.getvalue()
    assert "cannot be told yet which of the two is better: 2 nights have labels" in out.getvalue()


def test_labels_of_people_that_one_was_fitted_to_do_not_count(tenant: Tenant) -> None:
    nights = nights_of(tenant, 3)
    marks = {"subjects": [subject_mark_of(nights[0])], "contents": []}
    training = Training(drafts.TRAINING.data, 7, "test", marks)
    draft = drafts.draft("third", drafts.linear(3), training=training)
    model_imports.import_version(files=files_of(draft), decision=DECISION)
    out = StringIO()

    call_command("model", "compare", "first", "third", "--json", stdout=out)

    found = json.loads(out.getvalue())
    assert (found["nights"], found["fitted"], found["difference"]["units"]) == (3, 1, 2)
    assert found["pairs"]["a against b"]["nights"] == 3
    assert found["pairs"]["a against truth"]["nights"] == 2


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("first", "nobody"), "model_not_found"),
        (("first", "second", "--tenant", "nobody"), "not_found"),
    ],
)
def test_what_is_not_there_is_named(argv: tuple[str, ...], code: str) -> None:
    with pytest.raises(CommandError, match=code):
        call_command("model", "compare", *argv)
