"""`/v1/recordings/{id}/evaluation`: stages against labels, ranges, refusals, strangers, roles."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from sklearn import metrics

from inference.models import ModelVersion, Pass, Prediction, Role
from noctis.db.maintenance import maintenance
from recordings.models import Recording
from recordings.services import nights
from tenants.models import Tenant
from tests.factories import ServiceClientFactory, TenantFactory, signatory
from tests.mlops.staged_nights import FIVE, FOUR, log, score, stage, version_of
from tests.recordings.conftest import _fresh_keys_and_allowances, _shipped_schemas
from tests.recordings.nights import instant, night_of
from tests.tokens import Signatory

__all__ = ["_fresh_keys_and_allowances", "_shipped_schemas"]
pytestmark = pytest.mark.django_db
Ask = Callable[..., HttpResponse]


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def recording(tenant: Tenant) -> Recording:
    return night_of(tenant)


@pytest.fixture
def model() -> ModelVersion:
    return version_of(FOUR)


@pytest.fixture
def ask(client: Client, tenant: Tenant, recording: Recording) -> Ask:
    """Ask for the night's evaluation as a reader of the tenant, or as whoever is given."""
    reader = signatory(client=ServiceClientFactory(tenant=tenant, role="read"))

    def call(query: str = "", *, who: Signatory = reader, night: Any = None) -> HttpResponse:
        path = f"/v1/recordings/{night or recording.uuid}/evaluation{query}"
        return client.get(path, headers={"Authorization": f"Bearer {who.token()}"})

    return call


def told(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


TRUTH = "WW11223322RRW?W"
GIVEN = "WL?LLL33RLRRWWL"


def test_a_night_is_judged_against_its_labels(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, TRUTH)
    stage(recording, GIVEN, model)
    known = [i for i in range(15) if "?" not in TRUTH[i] + GIVEN[i]]
    shown = {"W": 0, "1": 1, "2": 1, "L": 1, "3": 2, "R": 3}
    truth, given = ([shown[letters[i]] for i in known] for letters in (TRUTH, GIVEN))

    answer = ask()

    body = answer.json()
    assert answer.status_code == 200
    assert body["recording_id"] == str(recording.uuid)
    assert body["model_version"] == model.version
    assert body["labels"] == {"version": 1, "scorer": "rater-7", "source": "psg"}
    assert body["covers"]["epochs"] == 15
    counted = [body[f"{kind}_epochs"] for kind in ("compared", "unlabelled", "unstaged")]
    assert counted == [13, 1, 1]
    assert body["stages"] == ["W", "Light", "Deep", "REM"]
    assert body["confusion"] == metrics.confusion_matrix(truth, given).tolist()
    assert body["kappa"] == pytest.approx(metrics.cohen_kappa_score(truth, given))
    assert body["macro_f1"] == pytest.approx(metrics.f1_score(truth, given, average="macro"))
    assert body["by_stage"]["REM"]["precision"] == pytest.approx(2 / 3)
    right = np.mean(np.array(truth) == given)
    assert body["expected_calibration_error"] == pytest.approx(abs(right - 0.7), abs=1e-6)
    wrong = (0.7**2 + 0.9**2 + 2 * 0.1**2) * (1 - right) + (0.3**2 + 3 * 0.1**2) * right
    assert body["brier"] == pytest.approx(wrong, abs=1e-6)


def test_night_statistics_are_compared_over_the_epochs_that_both_know(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WWLL?LLWLR")
    stage(recording, "WLLLLL?WLL", model)

    both = ask().json()["statistics"]

    assert both["total_sleep_time_min"] == {"truth": 2.5, "predicted": 3.0, "difference": 0.5}
    assert both["sleep_onset_latency_min"] == {"truth": 1.0, "predicted": 0.5, "difference": -0.5}
    assert both["rem_latency_min"] == {"truth": None, "predicted": None, "difference": None}
    assert both["awakenings"] == {"truth": 1, "predicted": 1, "difference": 0}


def test_a_model_of_five_stages_is_judged_in_four(ask: Ask, recording: Recording) -> None:
    score(recording, "WLL3R")
    stage(recording, "W123R", version_of(FIVE))

    body = ask().json()

    assert body["accuracy"] == 1.0
    assert body["confusion"] == [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    # What it gave N1 and N2 together is what it gave light sleep: 0.775 twice, 0.7 thrice.
    right = (2 * 0.775 + 3 * 0.7) / 5
    assert body["expected_calibration_error"] == pytest.approx(1 - right, abs=1e-6)


def test_the_newest_labels_are_the_truth(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    stage(recording, "WLR", model)
    score(recording, "RRR")
    score(recording, "WLR", scorer="rater-8")

    body = ask().json()

    assert (body["labels"]["version"], body["labels"]["scorer"]) == (2, "rater-8")
    assert body["accuracy"] == 1.0


def test_what_the_current_hypnogram_shows_is_judged(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    stage(recording, "RRR", version_of(FOUR))
    stage(recording, "WWW", model)
    stage(recording, "WLR", model)
    log(recording, "RRR", model, mark=b"asked for later")

    body = ask().json()

    assert (body["model_version"], body["accuracy"]) == (model.version, 1.0)
    assert Prediction.objects.filter(recording_id=recording.pk).count() == 12


def test_the_whole_time_in_bed_is_covered(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    ended_at = recording.started_at + timedelta(minutes=5)
    nights.close_recording(recording=recording, ended_at=ended_at)
    recording.refresh_from_db()
    score(recording, "WLR")
    stage(recording, "WLRR", model)

    body = ask().json()

    assert body["covers"]["epochs"] == 10
    assert (body["unlabelled_epochs"], body["unstaged_epochs"]) == (7, 6)


def test_what_was_predicted_live_or_for_another_purpose_is_not_judged(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    stage(recording, "WLR", model)
    log(recording, "RRRRR", model, mark=b"b", staging_pass=Pass.LIVE)
    for role in set(Role) - {Role.PRODUCTION}:
        log(recording, "RRRRR", model, mark=b"c", role=role)

    body = ask().json()

    assert (body["covers"]["epochs"], body["accuracy"]) == (3, 1.0)


def test_another_tenant_s_predictions_are_not_judged(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    stage(recording, "WLR", model)
    row = Prediction.objects.filter(recording_id=recording.pk).first()
    facts = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
    Prediction.objects.create(
        **facts | {"tenant_id": TenantFactory().pk, "revision": 9, "stage": 4}
    )

    assert ask().json()["accuracy"] == 1.0


# --- ranges ---


@pytest.mark.parametrize(
    ("first", "end", "confusion_trace", "epochs"),
    [(0, 6, 5, 6), (0, 3, 3, 3), (3, 6, 2, 3), (2, 99, 4, 5), (6, 7, 1, 1), (5, 5, 0, 0)],
)
def test_a_range_is_judged_alone_and_says_what_it_covers(
    ask: Ask,
    recording: Recording,
    model: ModelVersion,
    first: int,
    end: int,
    confusion_trace: int,
    epochs: int,
) -> None:
    score(recording, "WLL3RRW")
    stage(recording, "WLL3WRW", model)
    frm, to = (instant(recording, index).replace("+00:00", "Z") for index in (first, end))

    body = ask(f"?from={frm}&to={to}").json()

    assert body["covers"]["epochs"] == body["compared_epochs"] == epochs
    assert sum(body["confusion"][i][i] for i in range(4)) == confusion_trace
    assert body["covers"]["from"] == frm
    assert body["covers"]["to"] == instant(recording, min(end, 7)).replace("+00:00", "Z")
    steps = [sum(map(sum, body[f"{of}_transitions"])) for of in ("truth", "predicted")]
    assert steps == [max(epochs - 1, 0)] * 2


def test_a_range_without_a_common_epoch_has_no_score(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WL??")
    stage(recording, "??LL", model)

    body = ask().json()

    assert body["compared_epochs"] == 0
    scores = ("accuracy", "kappa", "macro_f1", "mcc", "brier", "entropy_bits")
    assert [body[name] for name in scores] == [None] * 6
    assert all(stage["f1"] is None for stage in body["by_stage"].values())


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("?from=yesterday", ["?from"]),
        ("?from=2026-03-01T22:00:00", ["?from"]),
        ("?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", ["?to"]),
        ("?limit=5", ["?limit"]),
        ("?cursor=5&model_version=x", ["?cursor", "?model_version"]),
    ],
)
def test_a_bad_query_is_refused(ask: Ask, query: str, pointers: list[str]) -> None:
    answer = ask(query)

    assert told(answer) == (422, "validation_error")
    assert [problem["pointer"] for problem in answer.json()["errors"]] == pointers


# --- nothing to judge ---


def test_a_night_that_nobody_scored_is_refused_by_name(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    stage(recording, "WLR", model)

    answer = ask()

    assert told(answer) == (409, "labels_missing")


def test_a_night_that_was_not_staged_is_refused_by_name(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    log(recording, "WLR", model, staging_pass=Pass.LIVE)

    answer = ask()

    assert told(answer) == (409, "night_not_staged")


def test_a_night_that_could_not_be_staged_says_why(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    stage(recording, "WLR", model)
    stage(recording, "", model, disposition="schema_mismatch")

    answer = ask()

    assert told(answer) == (409, "predictions_missing")
    assert "schema_mismatch" in answer.json()["detail"]


def test_predictions_that_are_no_longer_kept_are_refused_by_name(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    stage(recording, "WLR", model)
    with maintenance():
        Prediction.objects.all().delete()

    answer = ask()

    assert told(answer) == (409, "predictions_missing")


# --- who, how often, how dear ---


def test_a_stranger_s_night_is_answered_like_an_absent_one(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, "WLR")
    stage(recording, "WLR", model)
    stranger = signatory(client=ServiceClientFactory(role="admin"))

    answers = [ask(who=stranger), ask(night=uuid4())]

    assert [told(answer) for answer in answers] == [(404, "not_found")] * 2


@pytest.mark.parametrize(
    ("role", "status"),
    [("read", 200), ("reviewer", 200), ("ml_ops", 200), ("admin", 200), ("ingest", 403)],
)
def test_each_role_may_what_the_table_says(
    ask: Ask, recording: Recording, model: ModelVersion, role: str, status: int
) -> None:
    score(recording, "WLR")
    stage(recording, "WLR", model)
    who = signatory(client=ServiceClientFactory(tenant=recording.tenant, role=role))

    assert ask(who=who).status_code == status


def test_asking_again_is_the_same_answer_and_writes_nothing(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    score(recording, TRUTH)
    stage(recording, GIVEN, model)
    ask()

    with CaptureQueriesContext(connection) as queries:
        answers = [ask().json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert not [q["sql"] for q in queries if not q["sql"].lstrip().startswith(("SELECT", "SHOW"))]


def test_the_number_of_queries_does_not_grow_with_the_night(
    ask: Ask, recording: Recording, model: ModelVersion
) -> None:
    counts = []
    score(recording, "WLR")
    stage(recording, "WLR", model)
    ask()
    for letters in ("W" * 5, "WL3R" * 700):
        score(recording, letters)
        stage(recording, letters, model)
        with CaptureQueriesContext(connection) as queries:
            assert ask().json()["accuracy"] == 1.0
        counts.append(len(queries))

    assert counts[0] == counts[1]
