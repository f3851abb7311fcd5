"""However a night's batches come, by one writer or by eight, the same rows are there in the end."""

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noctis import errors
from recordings import intake, refusals
from recordings.models import Epoch, Recording
from recordings.services import epochs, schemas
from recordings.services.epochs import Appended, Source
from tenants.models import Tenant
from tests.factories import TenantFactory
from tests.recordings import bodies
from tests.recordings.nights import SCHEMA, body, epoch, features, night_of

pytestmark = pytest.mark.django_db
LENGTH = 60
WRITERS = 8
NIGHT = features(LENGTH, seed=1)
OTHER = features(LENGTH, seed=2, gaps=0)
FORMS = st.sampled_from(["list", "object", "packed", "column"])
some = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Piece:
    """Consecutive epochs of a night, as one batch in one form."""

    first: int
    end: int
    form: str

    def of(self, night: np.ndarray, recording: Recording) -> Any:
        return body(recording, night[self.first : self.end], self.first, self.form)


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    first = draw(st.integers(0, LENGTH - 1))
    end = draw(st.integers(first + 1, min(LENGTH, first + 25)))
    return Piece(first, end, draw(FORMS))


@st.composite
def deliveries(draw: st.DrawFn) -> list[Piece]:
    """The whole night in pieces, some of it again and overlapping, in any order."""
    cuts = sorted(draw(st.sets(st.integers(1, LENGTH - 1), max_size=6)) | {0, LENGTH})
    whole = [Piece(a, b, draw(FORMS)) for a, b in pairwise(cuts)]
    repeated = draw(st.lists(st.one_of(st.sampled_from(whole), pieces()), max_size=8))
    return list(draw(st.permutations(whole + repeated)))


def append(recording: Recording, sent: Any) -> Appended:
    spoken = schemas.active()
    taken = intake.read_batch(bodies.raw(sent), spoken)
    source = Source(recording.tenant, taken.recording_uuid)
    return epochs.append_epochs(source=source, schema_id=spoken.id, batch=taken.batch)


def canonical(night: np.ndarray, indices: range = range(LENGTH)) -> dict[int, bytes]:
    one_gap = np.where(np.isnan(night), np.float32(np.nan), night).astype("<f4")
    return {index: one_gap[index].tobytes() for index in indices}


def contradicted(recording: Recording, sent: Any) -> list[int | None]:
    """The epochs that a batch is refused for; none when it is taken."""
    try:
        append(recording, sent)
    except errors.Conflict as refusal:
        return [problem.epoch_index for problem in refusal.problems]
    return []


def rows_of(recording: Recording) -> list[tuple[int, bytes]]:
    """Every row, so that a double one would be seen twice."""
    found = Epoch.objects.filter(recording_id=recording.pk).order_by("epoch_index")
    rows = found.values_list("epoch_index", "features", "epoch_start_ts")
    started_at = recording.started_at.timestamp()
    assert all(at.timestamp() == started_at + 30 * index for index, _, at in rows)
    return [(index, np.array(values, "<f4").tobytes()) for index, values, _ in rows]


def check_counters(recording: Recording) -> None:
    rows = rows_of(recording)
    recording.refresh_from_db()
    assert recording.epoch_count == len(rows)
    assert recording.last_index == max(index for index, _ in rows)


@pytest.fixture
def tenant(db: None) -> Tenant:
    return TenantFactory()


@some
@given(deliveries())
def test_any_order_repetition_and_overlap_by_one_writer_ends_in_the_same_rows(
    tenant: Tenant, delivered: list[Piece]
) -> None:
    recording = night_of(tenant)

    appended = [append(recording, piece.of(NIGHT, recording)) for piece in delivered]

    assert rows_of(recording) == sorted(canonical(NIGHT).items())
    assert sum(answer.inserted for answer in appended) == LENGTH
    assert sum(a.received for a in appended) == sum(p.end - p.first for p in delivered)
    check_counters(recording)


@some
@given(st.lists(st.tuples(pieces(), st.booleans()), min_size=1, max_size=10))
def test_what_contradicts_is_refused_whole_and_what_does_not_is_there(
    tenant: Tenant, delivered: list[tuple[Piece, bool]]
) -> None:
    recording = night_of(tenant)
    there: dict[int, bytes] = {}

    for piece, is_other in delivered:
        night = OTHER if is_other else NIGHT
        sent = canonical(night, range(piece.first, piece.end))
        wrong = [index for index in sent if there.get(index, sent[index]) != sent[index]]
        assert contradicted(recording, piece.of(night, recording)) == wrong
        there |= {} if wrong else sent

    assert rows_of(recording) == sorted(there.items())
    check_counters(recording)


def in_eight_threads(recording: Recording, sent: list[Any]) -> list[Appended | None]:
    """Each thread with a connection and transactions of its own; None is a refused batch."""
    together = threading.Barrier(WRITERS)
    answers: list[Appended | None] = [None] * len(sent)

    def write(first: int) -> None:
        together.wait()
        try:
            for number in range(first, len(sent), WRITERS):
                answers[number] = append_or_be_refused(recording, sent[number])
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    return answers


def append_or_be_refused(recording: Recording, sent: Any) -> Appended | None:
    try:
        return append(recording, sent)
    except errors.Conflict:
        return None


@pytest.mark.parametrize("seed", range(6))
def test_eight_writers_of_one_night_end_in_the_same_rows(committed_rows: None, seed: int) -> None:
    recording = night_of(TenantFactory())
    rng = np.random.default_rng(seed)
    starts = [*range(0, LENGTH, 10), *rng.integers(0, LENGTH - 1, 34).tolist()]
    forms = rng.choice(["list", "object", "packed", "column"], len(starts))
    delivered = [Piece(a, min(a + 12, LENGTH), f) for a, f in zip(starts, forms, strict=True)]
    rng.shuffle(delivered)  # type: ignore[arg-type]  # a list will do

    appended = in_eight_threads(recording, [piece.of(NIGHT, recording) for piece in delivered])

    assert rows_of(recording) == sorted(canonical(NIGHT).items())
    assert sum(answer.inserted for answer in appended if answer) == LENGTH
    assert None not in appended
    check_counters(recording)


@pytest.mark.parametrize("seed", range(6))
def test_of_eight_writers_who_disagree_each_batch_is_there_whole_or_not_at_all(
    committed_rows: None, seed: int
) -> None:
    recording = night_of(TenantFactory())
    rng = np.random.default_rng(100 + seed)
    nights = [(NIGHT, OTHER)[n] for n in rng.integers(0, 2, 40)]
    delivered = [Piece(a, a + 5, "column") for a in rng.integers(0, LENGTH - 5, 40).tolist()]
    sent = [piece.of(night, recording) for piece, night in zip(delivered, nights, strict=True)]

    answers = in_eight_threads(recording, sent)

    there = rows_of(recording)
    sure: dict[int, bytes] = {}
    for piece, night, answer in zip(delivered, nights, answers, strict=True):
        said = canonical(night, range(piece.first, piece.end))
        assert (said.items() <= dict(there).items()) is (answer is not None)
        sure |= said if answer else {}
    assert there == sorted(sure.items())
    check_counters(recording)


@some
@given(st.integers(0, LENGTH - 1), bodies.CLOCKS_US, st.integers(0, 999_999))
def test_the_grid_is_exact_to_the_microsecond_in_the_database_too(
    tenant: Tenant, index: int, off_us: int, part: int
) -> None:
    started_at = timezone.now().replace(microsecond=part) - timedelta(hours=8)
    recording = night_of(tenant, started_at)
    clock = started_at + timedelta(seconds=30 * index, microseconds=off_us)
    off = epoch(recording, index, [None] * 15, epoch_start_ts=clock.isoformat())
    sent = {"recording_id": str(recording.uuid), "epochs": [off]}

    assert is_on_grid(recording, sent) is (abs(off_us) <= 15_000_000)


def is_on_grid(recording: Recording, sent: Any) -> bool:
    try:
        append(recording, sent)
    except refusals.EpochOffGrid as refusal:
        return not refusal.problems
    return True


def test_the_checksum_is_of_the_bytes_in_index_order_whatever_the_order_sent(
    tenant: Tenant,
) -> None:
    recording = night_of(tenant)
    sent = body(recording, NIGHT, 0, "packed")
    sent["epochs"].reverse()

    taken = intake.read_batch(bodies.raw(sent), schemas.active())

    assert taken.batch.checksum == f"{zlib.crc32(NIGHT.astype('<f4').tobytes()):08x}"


def test_zero_with_the_other_sign_is_other_bytes(tenant: Tenant) -> None:
    recording = night_of(tenant)
    zeros = np.zeros((2, len(SCHEMA)), np.float32)
    zeros[:, [1, 4]] = 60  # what has no zero in its range
    negative = np.where(zeros == 0, np.float32(-0.0), zeros)
    append(recording, body(recording, zeros))

    assert contradicted(recording, body(recording, zeros, 0, "column")) == []
    assert contradicted(recording, body(recording, negative, 0, "column")) == [0, 1]
    assert rows_of(recording) == sorted(canonical(zeros, range(2)).items())
