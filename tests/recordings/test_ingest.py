"""`/v1/epochs:ingest`: works, repeated, refused whole, strangers, roles, query count."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recordings.models import Epoch, Recording
from recordings.services import nights as services
from tenants.models import Tenant
from tests.factories import ServiceClientFactory, TenantFactory, signatory
from tests.recordings import nights
from tests.recordings.nights import body, features, night_of, stored
from tests.tokens import Signatory

pytestmark = pytest.mark.django_db
Send = Callable[..., HttpResponse]
FORMS = ["list", "object", "packed", "column"]


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def recording(tenant: Tenant) -> Recording:
    return night_of(tenant)


@pytest.fixture
def send(client: Client, tenant: Tenant) -> Send:
    """Post a body as the tenant's gateway, or as whoever is given."""
    gateway = signatory(client=ServiceClientFactory(tenant=tenant, role="ingest"))

    def post(
        payload: Any,
        *,
        who: Signatory = gateway,
        path: str = "/v1/epochs:ingest",
        **headers: str,
    ) -> HttpResponse:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        bearer = f"Bearer {who.token()}"
        return client.post(
            path, raw, content_type="application/json", HTTP_AUTHORIZATION=bearer, **headers
        )

    return post


def spied_statements(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The statements that go past Django, which cannot count them."""
    seen = []
    execute = psycopg.Cursor.execute

    def spy(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self) is psycopg.Cursor:
            seen.append(query)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", spy)
    return seen


def expected(matrix: np.ndarray, first: int = 0) -> dict[int, bytes]:
    canonical = np.where(np.isnan(matrix), np.float32(np.nan), matrix)
    return {first + i: row.astype("<f4").tobytes() for i, row in enumerate(canonical)}


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_is_stored_as_sent_whatever_its_form(
    send: Send, recording: Recording, form: str
) -> None:
    matrix = features(40)

    answer = send(body(recording, matrix, 3, form))

    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "recording_id": str(recording.uuid),
        "first_index": 3,
        "last_index": 42,
        "received": 40,
        "inserted": 40,
        "duplicates": 0,
        "checksum": f"{zlib.crc32(matrix.astype('<f4').tobytes()):08x}",
    }
    assert stored(recording) == expected(matrix, 3)


def test_the_grid_s_instant_is_stored_and_the_counters_are_kept(
    send: Send, recording: Recording
) -> None:
    late = nights.epoch(recording, 7, [None] * 15, epoch_start_ts=nights.instant(recording, 7, 14))

    send({"recording_id": str(recording.uuid), "epochs": [late]})

    recording.refresh_from_db()
    recording.device.refresh_from_db()
    row = Epoch.objects.get(recording_id=recording.pk)
    assert row.epoch_start_ts.isoformat() == nights.instant(recording, 7)
    assert (recording.epoch_count, recording.last_index) == (1, 7)
    assert recording.device.last_seen_at == recording.last_epoch_received_at == row.received_at


def test_repeating_a_batch_changes_nothing(send: Send, recording: Recording) -> None:
    payload = body(recording, features(20, gaps=0))
    send(payload)
    before = list(Epoch.objects.values())

    again = send(payload).json()

    assert (again["inserted"], again["duplicates"]) == (0, 20)
    assert list(Epoch.objects.values()) == before
    recording.refresh_from_db()
    assert recording.epoch_count == 20


def test_late_and_overlapping_batches_add_only_what_is_new(
    send: Send, recording: Recording
) -> None:
    matrix = features(30)
    send(body(recording, matrix[20:], 20, "column"))

    answer = send(body(recording, matrix[:25], 0, "packed")).json()

    assert (answer["inserted"], answer["duplicates"]) == (20, 5)
    assert stored(recording) == expected(matrix)


def test_other_values_for_a_stored_index_are_named_and_nothing_is_written(
    send: Send, recording: Recording
) -> None:
    matrix = features(10, gaps=0)
    send(body(recording, matrix[:5]))
    changed = matrix.copy()
    changed[[1, 3], 1] += 1

    answer = send(body(recording, changed))

    assert answer.status_code == 409
    assert answer.json()["code"] == "epoch_conflict"
    assert [problem["epoch_index"] for problem in answer.json()["errors"]] == [1, 3]
    assert stored(recording) == expected(matrix[:5])


def test_a_closed_recording_takes_back_fill(send: Send, recording: Recording) -> None:
    send(body(recording, features(5)))
    services.close_recording(recording=recording, ended_at=None)
    type(recording).objects.filter(pk=recording.pk).update(status="staged")

    answer = send(body(recording, features(5, seed=1), 5))

    recording.refresh_from_db()
    assert answer.status_code == 200
    assert recording.status == "closed"
    assert recording.epoch_count == 10


def test_an_epoch_twice_in_a_batch_is_a_duplicate(send: Send, recording: Recording) -> None:
    row = nights.listed(features(1)[0])
    twice = [nights.epoch(recording, 4, row), nights.epoch(recording, 4, row)]

    answer = send({"recording_id": str(recording.uuid), "epochs": twice}).json()

    assert (answer["received"], answer["inserted"], answer["duplicates"]) == (2, 1, 1)


def test_a_batch_may_be_out_of_order_and_in_mixed_forms(send: Send, recording: Recording) -> None:
    matrix = features(3)
    rows = [nights.packed(matrix[2]), nights.listed(matrix[0]), nights.listed(matrix[1])]
    epochs = [nights.epoch(recording, i, row) for i, row in zip([2, 0, 1], rows, strict=True)]

    answer = send({"recording_id": str(recording.uuid), "epochs": epochs}).json()

    assert answer["checksum"] == f"{zlib.crc32(matrix.astype('<f4').tobytes()):08x}"
    assert stored(recording) == expected(matrix)


def test_a_gzip_body_is_taken(send: Send, recording: Recording) -> None:
    raw = gzip.compress(json.dumps(body(recording, features(8))).encode())

    answer = send(raw, HTTP_CONTENT_ENCODING="gzip")

    assert answer.json()["inserted"] == 8


def test_a_stranger_s_recording_is_not_there(send: Send, recording: Recording) -> None:
    stranger = signatory(client=ServiceClientFactory(role="ingest"))

    answer = send(body(recording, features(2)), who=stranger)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert stored(recording) == {}


def test_a_key_of_one_device_sends_for_that_device_alone(
    send: Send, tenant: Tenant, recording: Recording
) -> None:
    client = ServiceClientFactory(tenant=tenant, role="ingest")
    other = night_of(tenant, name="other")
    own = signatory(client=client, device_uuid=recording.device.uuid)

    assert send(body(recording, features(2)), who=own).status_code == 200
    assert send(body(other, features(2)), who=own).status_code == 404
    assert stored(other) == {}


@pytest.mark.parametrize("role", ["read", "reviewer", "ml_ops"])
def test_a_role_that_does_not_ingest_is_refused(
    send: Send, tenant: Tenant, recording: Recording, role: str
) -> None:
    reader = signatory(client=ServiceClientFactory(tenant=tenant, role=role))

    assert send(body(recording, features(1)), who=reader).status_code == 403


def test_the_number_of_statements_does_not_grow_with_the_batch(
    send: Send, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    send(body(recording, features(1), 2_000))
    for first, size in ((0, 1), (100, 1_000)):
        ours = spied_statements(monkeypatch)
        with CaptureQueriesContext(connection) as django_s:
            send(body(recording, features(size), first, "column"))
        counts.append((len(django_s), len(ours)))

    assert counts[0] == counts[1]
    assert counts[0][1] == 1
