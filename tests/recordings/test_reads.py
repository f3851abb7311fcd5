"""`GET /v1/recordings/{id}/epochs`: pages, ranges, three forms; strangers, roles, query count."""

import csv
import gc
import io
import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recordings import batches, schemas
from recordings.models import Epoch, Recording
from recordings.services import epochs
from recordings.services import schemas as schema_services
from recordings.services.epochs import Source
from tenants.models import Tenant
from tests.factories import ServiceClientFactory, TenantFactory, signatory
from tests.recordings.nights import NAMES, SCHEMA, VERSION, features, night_of, packed
from tests.recordings.test_ingest import spied_statements
from tests.tokens import Signatory

pytestmark = pytest.mark.django_db
Read = Callable[..., HttpResponse]
JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def recording(tenant: Tenant) -> Recording:
    return night_of(tenant)


@pytest.fixture
def read(client: Client, tenant: Tenant) -> Read:
    """Ask for a recording's epochs as the tenant's reader, or as whoever is given."""
    reader = signatory(client=ServiceClientFactory(tenant=tenant, role="read"))

    def get(
        night: Recording | UUID,
        query: dict[str, object] | None = None,
        *,
        who: Signatory = reader,
        accept: str = JSON,
    ) -> HttpResponse:
        path = f"/v1/recordings/{getattr(night, 'uuid', night)}/epochs"
        headers = {"Authorization": f"Bearer {who.token()}", "Accept": accept}
        return client.get(path, query or {}, headers=headers)

    return get


def keep(recording: Recording, matrix: np.ndarray, first: int = 0) -> None:
    spoken = schema_services.active()
    batch = batches.from_column(packed(matrix), first, SCHEMA)
    source = Source(recording.tenant, recording.uuid, None)
    epochs.append_epochs(source=source, schema_id=spoken.id, batch=batch)


def slow_rows(recording: Recording) -> list[dict[str, object]]:
    """The specification: one ORM row at a time."""
    rows = Epoch.objects.filter(recording_id=recording.pk).order_by("epoch_index")
    return [
        {
            "epoch_index": row.epoch_index,
            "epoch_start_ts": row.epoch_start_ts.isoformat().replace("+00:00", "Z"),
            "feature_schema_version": VERSION,
            "features": {
                name: None if np.isnan(value) else float(str(np.float32(value)))
                for name, value in zip(NAMES, row.features, strict=True)
            },
        }
        for row in rows
    ]


def test_the_epochs_come_back_as_the_slow_way_reads_them(read: Read, recording: Recording) -> None:
    keep(recording, features(90))

    answer = read(recording)

    assert answer.status_code == 200
    assert answer.json() == {"items": slow_rows(recording), "next": None}


def test_pages_follow_one_another_to_the_end(
    read: Read, client: Client, recording: Recording
) -> None:
    keep(recording, features(25))
    keep(recording, features(5, seed=1), 40)
    answer, seen = read(recording, {"limit": 12}), []

    while True:
        page = answer.json()
        seen.append([row["epoch_index"] for row in page["items"]])
        if page["next"] is None:
            break
        headers = {"Authorization": answer.wsgi_request.headers["Authorization"]}
        answer = client.get(page["next"], headers=headers)

    assert seen == [[*range(12)], [*range(12, 24)], [24, *range(40, 45)]]


def test_a_page_that_is_just_full_is_the_last(read: Read, recording: Recording) -> None:
    keep(recording, features(12))

    assert read(recording, {"limit": 12}).json()["next"] is None


def test_a_whole_night_fits_one_page(read: Read, recording: Recording) -> None:
    keep(recording, features(2_880))

    page = read(recording, {"limit": 2_880}).json()

    assert [row["epoch_index"] for row in page["items"]] == list(range(2_880))


def test_a_range_is_half_open_and_may_lie_between_epochs(read: Read, recording: Recording) -> None:
    keep(recording, features(20))
    at = [recording.started_at + timedelta(seconds=s) for s in (60, 150, 61)]

    exact = read(recording, {"from": at[0].isoformat(), "to": at[1].isoformat()}).json()
    between = read(recording, {"from": at[2].isoformat(), "to": at[1].isoformat()}).json()
    empty = read(recording, {"from": at[0].isoformat(), "to": at[0].isoformat()}).json()

    assert [row["epoch_index"] for row in exact["items"]] == [2, 3, 4]
    assert [row["epoch_index"] for row in between["items"]] == [3, 4]
    assert empty == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("start", "count"), [("0001-01-01T00:00:00Z", 3), ("9999-12-31T00:00Z", 0)]
)
def test_a_range_far_from_the_night_is_fine(
    read: Read, recording: Recording, start: str, count: int
) -> None:
    keep(recording, features(3))

    assert len(read(recording, {"from": start}).json()["items"]) == count


def test_ndjson_is_the_whole_range_a_line_each(read: Read, recording: Recording) -> None:
    keep(recording, features(200))

    answer = read(recording, accept=NDJSON)

    assert answer["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert int(answer["Content-Length"]) == len(answer.content)
    assert [json.loads(line) for line in answer.content.splitlines()] == slow_rows(recording)


def test_csv_has_a_column_for_each_feature_and_empty_cells_for_gaps(
    read: Read, recording: Recording
) -> None:
    keep(recording, features(200))

    answer = read(recording, accept=CSV)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    header, *lines = csv.reader(io.StringIO(answer.content.decode()))
    assert header == ["epoch_index", "epoch_start_ts", "feature_schema_version", *NAMES]
    assert lines == [
        [
            str(row["epoch_index"]),
            row["epoch_start_ts"],
            VERSION,
            *("" if value is None else str(value) for value in row["features"].values()),
        ]
        for row in slow_rows(recording)
    ]


def test_a_limit_of_a_stream_leaves_a_link_to_the_rest(read: Read, recording: Recording) -> None:
    keep(recording, features(10))

    answer = read(recording, {"limit": 4}, accept=NDJSON)

    assert len(answer.content.splitlines()) == 4
    assert "cursor=3" in answer["Link"]
    assert answer["Link"].endswith('>; rel="next"')


def test_a_night_without_epochs_is_empty_in_every_form(read: Read, recording: Recording) -> None:
    assert read(recording).json() == {"items": [], "next": None}
    assert read(recording, accept=NDJSON).content == b""
    assert read(recording, accept=CSV).content.startswith(b"epoch_index,")


def test_a_night_in_two_schemas_keeps_its_order(read: Read, recording: Recording) -> None:
    keep(recording, features(4))
    older = schemas.SHIPPED["v1"]
    older_id = schema_services.FeatureSchema.objects.get(version="v1").pk
    batch = batches.from_column(packed(np.full((4, 10), 30, np.float32)), 2, older)
    Epoch.objects.filter(recording_id=recording.pk, epoch_index__gte=2).delete()
    source = Source(recording.tenant, recording.uuid, None)
    epochs.append_epochs(source=source, schema_id=older_id, batch=batch)

    rows = read(recording).json()["items"]
    header, *lines = csv.reader(io.StringIO(read(recording, accept=CSV).content.decode()))
    first = read(recording, {"limit": 3}).json()

    versions = [VERSION] * 2 + ["v1"] * 4
    assert [row["feature_schema_version"] for row in rows] == versions
    assert [line[:1] + line[2:3] for line in lines] == [
        [str(i), version] for i, version in enumerate(versions)
    ]
    assert lines[5][header.index("delta_power")] == "30.0"
    assert lines[5][header.index("rr_mean")] == ""
    assert [row["epoch_index"] for row in first["items"]] == [0, 1, 2]


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "image/png"])
def test_another_form_is_not_acceptable(read: Read, recording: Recording, accept: str) -> None:
    answer = read(recording, accept=accept)

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("accept", [JSON, NDJSON, CSV])
@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ({"from": "2026-03-01T21:00:00"}, 422, "?from"),
        ({"to": "yesterday"}, 422, "?to"),
        ({"from": "2026-03-02T00:00Z", "to": "2026-03-01T00:00Z"}, 422, "?to"),
        ({"limit": "0"}, 422, "?limit"),
        ({"limit": "2881"}, 422, "?limit"),
        ({"limit": "many"}, 422, "?limit"),
        ({"until": "2026-03-02T00:00Z"}, 422, "?until"),
        ({"cursor": "-2"}, 400, None),
        ({"cursor": "WyIyMDI2"}, 400, None),
        ({"cursor": "9" * 30}, 400, None),
    ],
)
def test_a_bad_query_is_a_problem_in_json(
    read: Read,
    recording: Recording,
    accept: str,
    query: dict[str, str],
    status: int,
    pointer: str | None,
) -> None:
    answer = read(recording, query, accept=accept)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    problems = answer.json().get("errors", [{"pointer": None}])
    assert [problem["pointer"] for problem in problems] == [pointer]


@pytest.mark.parametrize("accept", [JSON, CSV])
def test_a_stranger_s_night_is_answered_like_an_absent_one(
    read: Read, recording: Recording, accept: str
) -> None:
    keep(recording, features(3))
    stranger = signatory(client=ServiceClientFactory(role="admin"))

    answers = [read(recording, who=stranger, accept=accept), read(uuid4(), accept=accept)]

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"not_found"}


def test_a_key_of_one_device_reads_nothing(
    read: Read, tenant: Tenant, recording: Recording
) -> None:
    client = ServiceClientFactory(tenant=tenant, role="ingest")
    bound = signatory(client=client, device_uuid=recording.device.uuid)

    assert read(recording, who=bound).status_code == 404


def test_the_number_of_statements_does_not_grow_with_the_night(
    read: Read, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    read(recording)
    for first, size in ((0, 1), (1, 2_000)):
        keep(recording, features(size, gaps=0), first)
        ours = spied_statements(monkeypatch)
        with CaptureQueriesContext(connection) as django_s:
            read(recording, accept=CSV)
        counts.append((len(django_s), len(ours)))

    assert counts[0] == counts[1]
    assert counts[0][1] == 1


def test_reading_night_after_night_keeps_memory_flat(read: Read, recording: Recording) -> None:
    """What one night takes is given back."""
    keep(recording, features(2_880))
    read(recording, accept=CSV)
    tracemalloc.start()

    held = []
    for _ in range(4):
        read(recording, accept=CSV)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert max(held) - held[0] < 500_000
    assert peak < 30_000_000
