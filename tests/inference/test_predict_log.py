"""`noctis_log_predictions` against a slow dictionary: known, new, revised; one row set for all."""

import threading

import numpy as np
import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference import rows
from inference.models import Pass, Prediction, Role
from inference.rows import Given, Logged, Occasion
from noctis import errors
from recordings.grid import epoch_start
from recordings.models import Recording
from tests.factories import RecordingFactory

pytestmark = pytest.mark.django_db
LABELS = 4


@pytest.fixture
def recording() -> Recording:
    return RecordingFactory()


def occasion(recording: Recording, **other: object) -> Occasion:
    facts = {
        "tenant_id": recording.tenant_id,
        "recording_id": recording.pk,
        "started_at": recording.started_at,
        "model_id": 7,
        "role": Role.PRODUCTION,
        "staging_pass": Pass.LIVE,
        "request_id": "asked-1",
        "client_id": 3,
    }
    return Occasion(**facts | other)


def answers(index: list[int], hashes: bytes, seed: int = 0) -> Given:
    """Stages as some version might give them, a hash for each or one for all."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(LABELS), len(index)).astype(np.float32)
    return Given(
        np.array(index), shares.argmax(axis=1).astype(np.int8), shares, shares.max(axis=1), hashes
    )


def marks(*texts: str) -> bytes:
    return b"".join(text.encode().ljust(16, b".") for text in texts)


def said(logged: Logged) -> list[tuple[int, int, bool]]:
    return list(
        zip(logged.index.tolist(), logged.revision.tolist(), logged.is_known.tolist(), strict=True)
    )


def test_a_stage_is_logged_with_all_that_it_was_given_with(recording: Recording) -> None:
    sent = answers([2, 5], marks("a", "b"))

    logged = rows.log(occasion(recording), sent, 1_234)

    first, second = Prediction.objects.order_by("window_end_ts")
    assert said(logged) == [(2, 0, False), (5, 0, False)]
    assert first.window_end_ts == epoch_start(recording.started_at, 3)
    assert (first.epoch_index, second.epoch_index) == (2, 5)
    assert first.stage == sent.stages[0]
    assert first.probabilities == pytest.approx(sent.probabilities[0].tolist())
    assert second.confidence == pytest.approx(float(sent.confidence[1]))
    assert (bytes(first.input_hash), bytes(second.input_hash)) == (marks("a"), marks("b"))
    assert (first.latency_us, first.request_id, first.client_id) == (1_234, "asked-1", 3)
    assert (first.model_id, first.role, first.staging_pass) == (7, Role.PRODUCTION, Pass.LIVE)


def test_the_same_inputs_give_the_row_that_is_there(recording: Recording) -> None:
    rows.log(occasion(recording), answers([2, 5], marks("a", "b")), 1)
    before = list(Prediction.objects.values())

    logged = rows.log(occasion(recording), answers([2, 5], marks("a", "b"), seed=1), 2)

    first = answers([2, 5], b"")
    assert said(logged) == [(2, 0, True), (5, 0, True)]
    assert np.array_equal(logged.probabilities, first.probabilities)
    assert np.array_equal(logged.stages, first.stages)
    assert np.array_equal(logged.confidence, first.confidence)
    assert list(Prediction.objects.values()) == before


def test_other_inputs_add_a_revision_and_overwrite_nothing(recording: Recording) -> None:
    rows.log(occasion(recording), answers([2, 5], marks("a", "b")), 1)

    logged = rows.log(occasion(recording), answers([2, 5, 6], marks("x", "b", "c"), seed=1), 2)

    assert said(logged) == [(2, 1, False), (5, 0, True), (6, 0, False)]
    assert Prediction.objects.count() == 4


def test_inputs_that_come_back_find_their_own_row(recording: Recording) -> None:
    for mark in ("a", "b"):
        rows.log(occasion(recording), answers([2], marks(mark)), 1)

    logged = rows.log(occasion(recording), answers([2], marks("a"), seed=9), 1)

    assert said(logged) == [(2, 0, True)]
    assert np.array_equal(logged.probabilities, answers([2], b"").probabilities)


@pytest.mark.parametrize(
    "other", [{"model_id": 8}, {"role": Role.INLINE}, {"staging_pass": Pass.NIGHT}]
)
def test_another_version_role_or_pass_has_rows_of_its_own(
    recording: Recording, other: dict[str, object]
) -> None:
    rows.log(occasion(recording), answers([2], marks("a")), 1)

    logged = rows.log(occasion(recording, **other), answers([2], marks("a")), 1)

    assert said(logged) == [(2, 0, False)]


def test_a_night_has_one_hash_for_all_its_epochs(recording: Recording) -> None:
    night = answers(list(range(960)), marks("night"))

    first = rows.log(occasion(recording), night, 1)
    again = rows.log(occasion(recording), night, 1)

    assert not first.is_known.any()
    assert again.is_known.all()
    assert Prediction.objects.filter(input_hash=marks("night")).count() == 960


def test_nothing_given_is_nothing_logged(recording: Recording) -> None:
    assert len(rows.log(occasion(recording), answers([], b""), 1)) == 0


def test_a_night_that_is_being_erased_takes_no_more(recording: Recording) -> None:
    Recording.objects.filter(pk=recording.pk).update(status=Recording.Status.ERASING)

    with pytest.raises(errors.Missing):
        rows.log(occasion(recording), answers([2], marks("a")), 1)

    assert not Prediction.objects.exists()


def test_another_tenant_s_night_takes_nothing(recording: Recording) -> None:
    elsewhere = occasion(recording, tenant_id=RecordingFactory().tenant_id)

    with pytest.raises(errors.Missing):
        rows.log(elsewhere, answers([2], marks("a")), 1)


def test_the_log_refuses_to_be_changed(recording: Recording) -> None:
    rows.log(occasion(recording), answers([2], marks("a")), 1)

    for change in ("UPDATE inference_prediction SET stage = 0", "DELETE FROM inference_prediction"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(change)


CALLS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 6), st.sampled_from("abc"), min_size=1), st.booleans()
    ),
    min_size=1,
    max_size=6,
)


@given(calls=CALLS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_series_of_calls_is_logged_as_the_slow_way_does(
    recording: Recording, calls: list[tuple[dict[int, str], bool]]
) -> None:
    slow: dict[int, list[str]] = {}
    with transaction.atomic():
        for inputs, is_one in calls:
            index = sorted(inputs)
            told = [inputs[index[0]] if is_one else inputs[at] for at in index]
            hashes = marks(told[0]) if is_one else marks(*told)
            expected = []
            for at, mark in zip(index, told, strict=True):
                revisions = slow.setdefault(at, [])
                is_known = mark in revisions
                if not is_known:
                    revisions.append(mark)
                expected.append((at, revisions.index(mark), is_known))

            logged = rows.log(occasion(recording), answers(index, hashes), 1)

            assert said(logged) == expected
        transaction.set_rollback(True)


@pytest.fixture
def committed(committed_rows: None) -> Recording:
    return RecordingFactory()


def test_identical_calls_at_once_give_one_set_of_rows(committed: Recording) -> None:
    night, found = answers(list(range(200)), marks("night")), []
    gate = threading.Barrier(6)

    def ask() -> None:
        gate.wait()
        found.append(rows.log(occasion(committed), night, 1))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 6
    assert all((logged.revision == 0).all() for logged in found)
    assert sorted(bool(logged.is_known.all()) for logged in found) == [False] + [True] * 5
    assert Prediction.objects.count() == 200


def test_what_is_there_is_answered_while_somebody_holds_the_night(committed: Recording) -> None:
    """Without a lock: asking again never waits, and writes nothing that a disk must take."""
    rows.log(occasion(committed), answers([2], marks("a")), 1)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT FROM recordings_recording FOR UPDATE")
        with transaction.atomic():
            connection.cursor().execute("SET LOCAL lock_timeout = '1s'")

            logged = rows.log(occasion(committed), answers([2], marks("a")), 1)

        other.rollback()

    assert said(logged) == [(2, 0, True)]
