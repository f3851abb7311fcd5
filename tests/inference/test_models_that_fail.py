"""A model that cannot be run on a night, when it comes and when it serves: each time by name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest
from django.core.management import CommandError, call_command
from prometheus_client import REGISTRY

from inference.artifacts import faults, files_of, folder, loaded
from inference.engine import Golden
from inference.models import Hypnogram, ModelVersion, Pass, Prediction, StagingAttempt
from inference.refusals import ModelUnavailable
from inference.services import due, staging
from recordings.services import nights
from tests.inference import drafts
from tests.inference.asking import Asking, row_of, serve_network
from tests.inference.staged import closed, opened, send

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]


def unavailable(family: str) -> float:
    return REGISTRY.get_sample_value("model_unavailable_total", {"family": family}) or 0.0


@pytest.mark.parametrize(
    ("scope", "family"), [("latest", "live"), ("all", "live"), ("all", "night")]
)
def test_a_question_that_the_model_fails_on_is_answered_as_without_one(
    scope: str, family: str
) -> None:
    serve_network(fails_from=8)
    night = opened()
    send(night, 20)
    if family == "night":
        nights.close_recording(recording=night, ended_at=None)
    before = unavailable(family)

    answer = Asking(night)(scope)

    told = answer.json()
    assert (answer.status_code, told["code"]) == (503, "model_unavailable")
    assert told["detail"] == "network-1 cannot be run on these epochs."
    assert answer["Retry-After"] == "60"
    assert unavailable(family) == before + 1
    assert not Prediction.objects.exists()


def test_an_explanation_that_the_model_fails_on_is_none() -> None:
    """Which hides the features by turns, and asks for all of the turns at once."""
    serve_network(passes=("night",), most_blocks=4)
    night = opened()
    send(night, 20)
    nights.close_recording(recording=night, ended_at=None)
    ask = Asking(night)
    assert ask("all").status_code == 200

    row = row_of(night, 19)
    answer = ask.get(f"/v1/predictions/{row.public_id}/explanation")

    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")


def test_a_night_that_the_model_fails_on_waits_and_its_failure_has_a_name() -> None:
    serve_network(fails_from=8)
    night = closed()

    claimed = due.claim(staging_pass=Pass.NIGHT)
    with pytest.raises(ModelUnavailable):
        staging.stage_night(recording_id=night.pk)

    night.refresh_from_db()
    attempt = StagingAttempt.objects.get()
    assert claimed == [night.pk]
    assert (attempt.failure, attempt.tries, night.status) == ("model_unavailable", 1, "closed")
    assert not Hypnogram.objects.exists()
    assert not Prediction.objects.exists()


def test_a_live_pass_that_the_model_fails_on_is_noted_too() -> None:
    serve_network(fails_from=8)
    night = opened()
    send(night, 20)

    due.claim(staging_pass=Pass.LIVE)
    with pytest.raises(ModelUnavailable):
        staging.stage_live(recording_id=night.pk)

    assert StagingAttempt.objects.get().failure == "model_unavailable"


def of_another(golden: Golden) -> dict[str, bytes]:
    """A network that fails on the golden night of one that does not."""
    raw = drafts.network_bytes(fails_from=0.5)
    draft = drafts.draft("test-1", drafts.networked(), network=raw, passes=("night",))
    return files_of(replace(draft, golden=(golden,)))


def test_a_network_that_fails_on_its_golden_night_is_refused_by_name() -> None:
    (golden,) = drafts.draft(model=drafts.networked(), passes=("night",)).golden

    with pytest.raises(faults.GoldenFailed, match="does not run on"):
        loaded(of_another(golden))


@pytest.mark.parametrize(
    "error", [KeyError("x"), MemoryError(), RecursionError(), OSError(5, "/m")]
)
def test_whatever_a_library_throws_has_a_name_beyond_the_border(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No word of what it said: it may name places of the machine."""
    raw = drafts.network_bytes()
    files = files_of(drafts.draft("test-1", drafts.networked(raw), network=raw))
    folder.keep(files, tmp_path / "test-1")

    monkeypatch.setattr(onnxruntime, "InferenceSession", raising(error))

    with pytest.raises(CommandError) as refused:
        call_command("model", "import", str(tmp_path / "test-1"))
    said = f"test-1 cannot be put together or run: {type(error).__name__}."
    assert str(refused.value) == f"artifact_invalid: {said}"
    assert not ModelVersion.objects.exists()


def raising(error: Exception) -> Callable[..., object]:
    def raises(*_: object, **__: object) -> object:
        raise error

    return raises
