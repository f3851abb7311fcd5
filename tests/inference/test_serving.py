"""What serves in a process: one snapshot, swapped whole, or kept where the new one fails."""

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from inference import engine, serving
from inference.artifacts import LocalStore
from inference.models import ModelEvent, ModelVersion
from inference.services import registry, reloading
from inference.services.model_events import Decision
from inference.serving import holder, snapshot
from noctis import health
from tests.factories import ACTOR
from tests.inference import drafts
from tests.inference.test_registry import serve, validated

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
WHY = Decision(ACTOR, "a test", waiver="a toy")
SWAPS = 50


def failures_counted(family: str, code: str) -> float:
    labels = {"family": family, "code": code}
    return REGISTRY.get_sample_value("model_reload_failure_total", labels) or 0.0


def test_before_anybody_chose_nothing_serves_and_nobody_is_ready() -> None:
    now = serving.current()

    assert (now.live, now.night, now.generation) == (None, None, 0)
    assert not now.is_ready
    assert health.model() == "none serves"


def test_the_first_who_asks_loads_what_should_serve() -> None:
    validated("test-1")
    serve("test-1")

    now = serving.current()

    assert now.night is now.live
    assert now.night.version == "test-1"
    assert now.night.model_id == registry.version_named("test-1").pk
    assert now.is_ready
    assert health.model() == "ok"


def test_what_serves_keeps_nothing_of_its_self_test() -> None:
    """Of what linear-1 takes in a process, the vectors are two thirds."""
    validated("test-1")
    serve("test-1")

    assert registry.verify_version(registry.version_named("test-1")).metadata.golden
    assert not serving.current().night.manifest.metadata.golden


def test_asking_again_reads_nothing(django_assert_num_queries: object) -> None:
    validated("test-1")
    serve("test-1")
    first = serving.current()

    with django_assert_num_queries(0):
        assert serving.current() is first


def test_a_request_keeps_the_snapshot_that_it_took() -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    taken, night = serving.current(), drafts.a_night()
    before = engine.stage_night(taken.night.model, night)

    serve("new")
    serving.refresh()

    after = engine.stage_night(taken.night.model, night)
    assert taken.night.version == "old"
    assert serving.current().night.version == "new"
    assert np.array_equal(before.probabilities, after.probabilities, equal_nan=True)


def test_a_corrupted_artifact_keeps_the_old_one_serving_and_is_told(store: Path) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serving.current()
    serve("new")
    weights = store / "new" / "weights.npy"
    sound = weights.read_bytes()
    weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    counted = failures_counted("night", "artifact_wrong_hash")

    now = serving.refresh()
    serving.refresh()

    assert (now.live.version, now.night.version) == ("old", "old")
    assert {failure.code for failure in now.failures.values()} == {"artifact_wrong_hash"}
    assert failures_counted("night", "artifact_wrong_hash") == counted + 2
    told = ModelEvent.objects.filter(action="load_failed", version__version="new")
    assert sorted(told.values_list("family", flat=True)) == ["live", "night"]
    assert health.model() == "ok"

    weights.write_bytes(sound)
    assert serving.refresh().night.version == "new"


def broken_read(error: Exception) -> object:
    def read(*_: object) -> object:
        raise error

    return read


@pytest.mark.parametrize(
    "error", [PermissionError("/models"), OSError(5, "EIO"), RuntimeError("ort"), ValueError("x")]
)
def test_an_artifact_that_cannot_be_read_keeps_the_old_one_serving(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serving.current()
    serve("new")
    counted = failures_counted("night", "artifact_unreadable")
    monkeypatch.setattr(LocalStore, "read", broken_read(error))

    now = serving.refresh()

    assert (serving.current().live.version, now.night.version) == ("old", "old")
    assert {failure.code for failure in now.failures.values()} == {"artifact_unreadable"}
    assert failures_counted("night", "artifact_unreadable") == counted + 1
    assert ModelEvent.objects.filter(action="load_failed", version__version="new").count() == 2
    assert health.model() == "ok"


def test_a_process_whose_artifact_cannot_be_read_at_first_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validated("test-1")
    serve("test-1")
    monkeypatch.setattr(LocalStore, "read", broken_read(PermissionError()))

    assert serving.current().night is None
    assert health.model() == "not loaded: artifact_unreadable"


def test_a_bug_in_loading_is_no_error_of_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "made", broken_read(RuntimeError()))

    assert health.model() == "unknown"


def test_a_follower_that_ended_takes_nothing_from_what_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validated("test-1")
    serve("test-1")
    before = serving.current()
    monkeypatch.setattr(holder, "_is_begun", False)
    monkeypatch.setattr(snapshot, "made", broken_read(ZeroDivisionError()))

    assert serving.current() is before


def test_a_process_that_never_loaded_what_should_serve_is_not_ready(store: Path) -> None:
    validated("test-1")
    serve("test-1")
    (store / "test-1" / "label_map.json").unlink()

    now = serving.current()

    assert now.night is None
    assert not now.is_ready
    assert health.model() == "not loaded: artifact_file_missing"


def test_one_family_that_fails_does_not_hold_the_other_back(store: Path) -> None:
    validated("night", 0, passes=("night",))
    validated("live", 1, passes=("live",))
    serve("night")
    serve("live")
    (store / "live" / "bias.npy").unlink()

    now = serving.current()

    assert (now.live, now.night.version) == (None, "night")
    assert list(now.failures) == ["live"]
    assert not now.is_ready


def test_a_pin_serves_whatever_the_rows_say(settings: Settings) -> None:
    validated("old", 0)
    validated("new", 1)
    validated("night", 2, passes=("night",))
    serve("old")

    settings.ACTIVE_MODEL_VERSION = "new"
    both = serving.refresh()
    settings.ACTIVE_LIVE_MODEL_VERSION = "old"
    apart = serving.refresh()
    settings.ACTIVE_LIVE_MODEL_VERSION = ""
    settings.ACTIVE_MODEL_VERSION = "night"
    night = serving.refresh()
    settings.ACTIVE_MODEL_VERSION = ""
    none = serving.refresh()

    found = [(now.live.version, now.night.version) for now in (both, apart, night, none)]
    assert found == [("new", "new"), ("old", "new"), ("old", "night"), ("old", "old")]


@pytest.mark.parametrize("pin", ["nobody", "../up", "live"])
def test_a_pin_that_leads_nowhere_keeps_what_served(settings: Settings, pin: str) -> None:
    validated("old", 0)
    validated("live", 1, passes=("live",))
    serve("old")
    serving.current()
    settings.ACTIVE_MODEL_VERSION = pin

    now = serving.refresh()

    assert now.night.version == "old"
    assert now.failures["night"].code in ("model_not_found", "pass_not_offered")


@pytest.mark.parametrize("status", ["candidate", "rejected"])
def test_a_pin_on_what_may_not_serve_is_refused(settings: Settings, status: str) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    ModelVersion.objects.filter(version="new").update(status=status)
    settings.ACTIVE_MODEL_VERSION = "new"

    first = serving.current()
    told = health.model()
    settings.ACTIVE_MODEL_VERSION = ""
    serving.refresh()
    settings.ACTIVE_MODEL_VERSION = "new"
    kept = serving.refresh()

    assert (first.night, told) == (None, "not loaded: model_not_validated")
    assert (kept.live.version, kept.night.version) == ("old", "old")
    assert kept.codes == ["model_not_validated"]


def test_an_archived_version_may_be_pinned(settings: Settings) -> None:
    validated("old", 0)
    registry.archive_version(version="old", decision=WHY)
    settings.ACTIVE_MODEL_VERSION = "old"

    assert serving.current().night.version == "old"


def test_what_is_pinned_cannot_be_rejected(settings: Settings) -> None:
    validated("old", 0)
    settings.ACTIVE_LIVE_MODEL_VERSION = "old"

    with pytest.raises(reloading.refusals.PinnedByEnvironment, match="old"):
        registry.reject_version(version="old", decision=WHY)

    assert registry.version_named("old").status == "validated"


def test_a_reload_reads_the_artifacts_anew() -> None:
    validated("test-1")
    serve("test-1")
    before = serving.current()

    first = reloading.reload_models(decision=WHY, patience_s=0)
    second = reloading.reload_models(decision=WHY, patience_s=0)

    assert first.snapshot.night is not before.night
    assert first.snapshot.night.artifact_hash == before.night.artifact_hash
    assert second.snapshot.generation == first.snapshot.generation + 1
    assert [row.night for row in second.processes if not row.failures] == ["test-1"]


def test_a_reload_of_a_broken_artifact_is_no_success(store: Path) -> None:
    validated("test-1")
    serve("test-1")
    serving.current()
    (store / "test-1" / "metadata.json").write_text("{}")

    with pytest.raises(reloading.refusals.ModelNotLoadable, match="artifact_bad_manifest"):
        reloading.reload_models(decision=WHY, patience_s=0)

    assert serving.current().night.version == "test-1"


class Readers:
    """Stage without pause, and remember every answer that is not wholly of one version."""

    def __init__(self, versions: tuple[str, ...]) -> None:
        self.mixed: list[str] = []
        self.answers = 0
        self._night, self._stop = drafts.a_night(), threading.Event()
        self._expected = {
            version: self._staged(snapshot.serve(named(version))) for version in versions
        }
        self._threads = [threading.Thread(target=self._read) for _ in range(4)]

    def _staged(self, served: serving.Served) -> np.ndarray:
        return engine.stage_night(served.model, self._night).probabilities

    def _read(self) -> None:
        while not self._stop.is_set():
            now = serving.current()
            expected = self._expected[now.night.version]
            if not np.array_equal(self._staged(now.night), expected, equal_nan=True):
                self.mixed.append(f"{now.night.version} answers as another")
            if now.live is not now.night:
                self.mixed.append("two versions in one snapshot")
            self.answers += 1

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


named = registry.version_named


def test_fifty_swaps_under_readers_leave_nothing_of_the_old_behind(settings: Settings) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serving.current()
    before, served = [], set()

    with Readers(("old", "new")) as readers:
        for number in range(SWAPS):
            now = serving.current()
            before.append(weakref.ref(now.night.loaded))
            before.append(weakref.ref(now))
            served.add(now.night.version)
            settings.ACTIVE_MODEL_VERSION = ("new", "old")[number % 2]
            serving.refresh()
    del now
    gc.collect()

    assert readers.mixed == []
    assert readers.answers > SWAPS
    assert served == {"old", "new"}
    assert not [ref for ref in before if ref() is not None]
