"""A reason is kept for good: one that cannot be is refused before anything is done or kept."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inference.artifacts import files_of
from inference.models import Generation, ModelEvent, ModelVersion
from inference.services import model_imports
from inference.services.model_events import Decision
from noctis import errors
from tenants.models import AuditEntry
from tests.factories import ACTOR, PlatformFactory
from tests.inference import drafts

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
VERBS = {
    "import": ["model", "import", "FOLDER"],
    "validate": ["model", "validate", "test-1"],
    "serve": ["model", "serve", "test-1"],
    "rollback": ["model", "rollback"],
    "reload": ["model", "reload"],
    "pin": ["model", "pin", "test-1", "--tenant", "SLUG", "--family", "night"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    drafts.written(tmp_path)
    return tmp_path / "test-1"


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
@pytest.mark.parametrize("reason", ["x" * 501, "not text: \udcff", "a NUL: \0"], ids=len)
def test_a_reason_that_cannot_be_kept_is_refused_by_name(
    verb: Sequence[str], reason: str, folder: Path, store: Path
) -> None:
    named = {"FOLDER": str(folder), "SLUG": PlatformFactory().slug}

    with pytest.raises(CommandError, match=r"^validation_error: reason: "):
        call_command(*(named.get(word, word) for word in verb), "--reason", reason)

    assert not any(store.iterdir())
    assert not ModelVersion.objects.exists()
    assert not ModelEvent.objects.exists()
    assert not Generation.objects.exists()
    assert not AuditEntry.objects.exists()


def test_so_it_is_before_there_is_a_platform(folder: Path, store: Path) -> None:
    """Its audit log is not there to refuse it; the version's history is."""
    with pytest.raises(CommandError, match=r"^validation_error: reason: at most 500"):
        call_command("model", "import", str(folder), "--reason", "x" * 501)

    assert not any(store.iterdir())


def test_a_waiver_is_held_to_the_same() -> None:
    with pytest.raises(errors.Invalid) as refused:
        Decision(ACTOR, "", "x" * 501)

    assert [problem.pointer for problem in refused.value.problems] == ["/waiver"]


def test_the_longest_reason_is_kept_whole() -> None:
    PlatformFactory()
    reason = "ü" * 500

    files = files_of(drafts.draft())
    row = model_imports.import_version(files=files, decision=Decision(ACTOR, reason, reason))

    assert row.events.get().reason == reason
    assert AuditEntry.objects.get().reason == reason


def test_the_most_that_a_document_may_hold_is_kept() -> None:
    deep: list[object] = [2**63 - 1, -(2**63), 5e-324, 1e20, "\U0001f634\\u0000\x01"]
    for _ in range(28):
        deep = [deep]

    files = files_of(drafts.draft(metrics={"deep": deep}))
    row = model_imports.import_version(files=files, decision=Decision(ACTOR))

    row.refresh_from_db()
    assert row.metadata["metrics"] == {"deep": deep}
