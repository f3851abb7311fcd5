"""A version judged by labelled nights here: by which, beside what, and when the run is repeated."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as shipped_settings
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from inference import engine, queries
from inference.artifacts import LocalStore, files_of
from inference.models import ModelVersion
from inference.services import model_imports, registry
from inference.serving import snapshot
from mlops.datasets import LabelledNight, subject_mark
from mlops.models import GateRun
from mlops.services import gates, holdout
from recordings.models import Recording
from recordings.services import labels
from recordings.services.labels import Scoring
from tests.calling import calling_as
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference import drafts
from tests.inference.conftest import empty_registry, shipped_schemas, store
from tests.inference.staged import DECISION, closed, serve

__all__ = ["empty_registry", "shipped_schemas", "store"]
pytestmark = pytest.mark.django_db
NULL = Path(shipped_settings.BASE_DIR) / "models"


@pytest.fixture(autouse=True)
def _versions(empty_registry: None, store: Path, settings: Settings) -> None:
    settings.GATE_NIGHTS, settings.GATE_PEOPLE = 6, 3
    settings.SLO_INFERENCE_P95_MS = 60_000  # the slowest of six, wherever the tests run
    serve("old", seed=1)
    brought("new", 2)
    model_imports.import_version(files=LocalStore(NULL).read("null-clock"), decision=DECISION)


def brought(version: str, seed: int, **more: Any) -> ModelVersion:
    draft = drafts.draft(version, drafts.linear(seed), **more)
    return model_imports.import_version(files=files_of(draft), decision=DECISION)


def judged_nights(version: str = "new", people: int = 3, source: str = "psg") -> list[Recording]:
    """Two nights of each person, scored as a version stages them: it is right on all of them."""
    tenant = TenantFactory()
    nights = []
    for person in range(people):
        for place in range(2):
            start = timezone.now().replace(microsecond=0) - timedelta(days=2 * person + place + 1)
            night = closed(tenant, 60, started_at=start)
            Recording.objects.filter(pk=night.pk).update(subject=f"P-{person}")
            score(night, version, source)
            nights.append(night)
    return nights


def score(night: Recording, version: str, source: str) -> None:
    served = snapshot.serve(registry.version_named(version))
    stored = queries.night_of(night.tenant, night.uuid)
    stages = engine.stage_night(served.model, stored.laid_out()).stages.tolist()
    labels.add_labels(recording=night, scoring=Scoring("rater-7", source, stages))


def run(version: str = "new", *families: str) -> dict[str, GateRun]:
    asked = gates.request_runs(version=version, families=families, actor=ACTOR)
    return {one.family: gates.run_gates(pk=one.pk) for one in asked}


def due() -> list[int]:
    return [*GateRun.objects.due(timezone.now()).values_list("pk", flat=True)]


def outcomes(version: str = "new", family: str = "night") -> dict[str, str]:
    row = registry.version_named(version)
    found = gates.gates_of(row=row, family=family)
    return {gate.name: gate.outcome.value for gate in found.gates}


def test_a_version_that_is_right_passes_beside_one_that_is_not() -> None:
    judged_nights()

    found = run("new", "night")["night"]

    assert (found.status, found.progress, found.incumbent.version) == ("done", 1.0, "old")
    assert (found.report["nights"], found.report["people"]) == (6, 3)
    pairs = found.report["pairs"]
    assert pairs["candidate against truth"]["kappa"] == 1.0
    assert pairs["incumbent against truth"]["kappa"] < 0.5
    assert pairs["null against truth"]["nights"] == 6
    assert found.report["over_incumbent"]["units"] == 3
    unmet = {name for name, outcome in outcomes().items() if outcome != "pass"}
    assert unmet <= {"calibration_error"}  # a toy is never sure


def test_both_families_are_judged_by_themselves() -> None:
    judged_nights()

    found = run("new")

    assert set(found) == {"live", "night"}
    kappas = {
        family: one.report["pairs"]["candidate against truth"]["kappa"]
        for family, one in found.items()
    }
    assert kappas["night"] == 1.0 > kappas["live"]


def test_too_few_people_say_nothing() -> None:
    judged_nights(people=2)

    run("new", "night")

    assert outcomes()["kappa"] == "unknown"


def test_without_labelled_nights_everything_is_unknown() -> None:
    found = run("new", "night")["night"]

    assert (found.status, found.report["nights"]) == ("done", 0)
    assert outcomes()["kappa"] == outcomes()["latency"] == "unknown"


def test_nights_that_trained_the_version_do_not_judge_it() -> None:
    nights = judged_nights()
    from_others = run("new", "night")["night"].report
    training = drafts.TRAINING
    marks = {"subjects": [subject_mark_of(nights[0])], "contents": []}
    brought("fitted", 3, training=type(training)(training.data, 7, "test", marks))

    found = run("fitted", "night")["night"].report

    assert (from_others["nights"], found["nights"], found["people"]) == (6, 4, 2)
    assert found["left_out"] == {"trained_on": 2}


def subject_mark_of(night: Recording) -> str:
    night.refresh_from_db()
    scoring = night.label_sets.select_related("recording__tenant").get()
    source, subject = holdout.person_of(scoring=scoring)
    nothing = np.empty((0, 0), np.float32)
    return subject_mark(LabelledNight(subject, nothing, np.empty(0, np.int8), source))


@pytest.mark.parametrize(("is_production", "nights"), [(True, 0), (False, 6)])
def test_made_up_nights_judge_nothing_in_production(
    settings: Settings, is_production: bool, nights: int
) -> None:
    judged_nights(source="synthetic")
    settings.PRODUCTION = is_production

    assert run("new", "night")["night"].report["nights"] == nights


def test_the_same_nights_have_the_same_checksum() -> None:
    nights = judged_nights()
    first = run("new", "night")["night"].report["checksum"]
    same = run("old", "night")["night"].report["checksum"]
    score(nights[0], "old", "human")

    assert first == same != run("new", "night")["night"].report["checksum"]


def test_asking_again_while_it_is_due_is_the_same() -> None:
    one = gates.request_runs(version="new", families=("night",), actor=ACTOR)
    two = gates.request_runs(version="new", families=("night",), actor=ACTOR)

    assert one == two
    assert due() == [one[0].pk]


def test_a_run_is_done_once() -> None:
    asked = gates.request_runs(version="new", families=("night",), actor=ACTOR)[0]

    assert gates.run_gates(pk=asked.pk) is not None
    assert gates.run_gates(pk=asked.pk) is None


def test_a_run_whose_worker_died_is_due_again() -> None:
    asked = gates.request_runs(version="new", families=("night",), actor=ACTOR)[0]
    lapsed = timezone.now() - timedelta(seconds=1)
    GateRun.objects.filter(pk=asked.pk).update(status="running", tries=1, held_until=lapsed)

    assert due() == [asked.pk]
    assert gates.run_gates(pk=asked.pk).status == "done"


def test_an_artifact_that_cannot_be_read_fails_the_run_by_name(store: Path) -> None:
    (store / "new" / "bias.npy").write_bytes(b"broken")

    found = run("new", "night")["night"]

    assert found.status == "failed"
    assert found.error
    assert outcomes()["kappa"] == "unknown"


def test_gates_are_read_by_the_settings_of_the_moment(settings: Settings) -> None:
    judged_nights()
    run("new", "night")
    before = outcomes()["kappa"]
    settings.GATE_NIGHTS = 7

    assert (before, outcomes()["kappa"]) == ("pass", "unknown")


def test_after_another_came_to_serve_the_run_says_nothing_of_it() -> None:
    judged_nights()
    run("new", "night")
    brought("between", 3)
    registry.validate_version(version="between", decision=DECISION)
    registry.serve_version(version="between", families=("night",), decision=DECISION)

    assert outcomes()["incumbent"] == "unknown"


def test_the_command_judges_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    judged_nights()

    call_command("model", "judge", "new", "--family", "night")

    shown = capsys.readouterr().out
    assert "over_null" in shown
    assert "pass" in shown
    assert GateRun.objects.get().requested_by.startswith("shell")


def test_the_api_asks_for_a_run_and_says_where_it_is() -> None:
    ml_ops = calling_as("ml_ops", PlatformFactory())

    asked = ml_ops("POST", "/v1/models/new/gates", {"families": ["night"]})
    again = ml_ops("POST", "/v1/models/new/gates", {"families": ["night"]})
    seen = ml_ops("GET", "/v1/models/new/gates").json()

    assert (asked.status_code, again.status_code) == (202, 202)
    night = next(one for one in seen["families"] if one["family"] == "night")
    assert night["latest_run"]["status"] == "queued"
    assert night["is_met"] is False
    assert {gate["outcome"] for gate in night["gates"]} == {"unknown", "pass"}
    assert GateRun.objects.count() == 1


@pytest.mark.parametrize(("role", "of_platform"), [("admin", False), ("read", True)])
def test_others_judge_nothing(role: str, of_platform: bool) -> None:
    caller = calling_as(role, PlatformFactory() if of_platform else TenantFactory())

    assert caller("POST", "/v1/models/new/gates", {}).status_code == 403
    assert caller("GET", "/v1/models/new/gates").status_code == 403
    assert not GateRun.objects.exists()


def test_a_pass_that_is_not_offered_is_refused() -> None:
    brought("one", 4, passes=("night",))
    ml_ops = calling_as("ml_ops", PlatformFactory())

    answer = ml_ops("POST", "/v1/models/one/gates", {"families": ["live"]})

    assert (answer.status_code, answer.json()["code"]) == (409, "pass_not_offered")
