"""`/v1/recordings/{id}/labels`: versions in and out; repeated, refused whole, strangers, roles."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recordings.models import LabelSet, Recording
from recordings.services import labels as services
from recordings.services.labels import Scoring
from tenants.models import Tenant
from tests.factories import ServiceClientFactory, TenantFactory, signatory
from tests.recordings.nights import night_of
from tests.tokens import Signatory

pytestmark = pytest.mark.django_db
Send = Callable[..., HttpResponse]


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def recording(tenant: Tenant) -> Recording:
    return night_of(tenant)


@pytest.fixture
def ask(client: Client, tenant: Tenant, recording: Recording) -> Send:
    """Call the recording's labels as the tenant's reviewer, or as whoever is given."""
    reviewer = signatory(client=ServiceClientFactory(tenant=tenant, role="reviewer"))

    def call(
        method: str, *, who: Signatory = reviewer, query: str = "", **more: object
    ) -> HttpResponse:
        path = f"/v1/recordings/{more.get('night', recording.uuid)}/labels{query}"
        raw = json.dumps(more.get("body")) if method == "POST" else ""
        headers = {"Authorization": f"Bearer {who.token()}"}
        return client.generic(method, path, raw, "application/json", headers=headers)

    return call


def scored(labels: object, scorer: str = "rater-7", source: str = "psg") -> dict[str, object]:
    return {"scorer": scorer, "source": source, "labels": labels}


def versions(recording: Recording) -> list[tuple[int, str]]:
    rows = LabelSet.objects.filter(recording=recording).order_by("version")
    return [(row.version, "".join(map(str, row.stages))) for row in rows]


def test_a_list_of_labels_becomes_a_version(ask: Send, recording: Recording) -> None:
    entries = [{"epoch_index": 2, "stage": "N3"}, {"epoch_index": 0, "stage": "Wake"}]

    answer = ask("POST", body=scored(entries))

    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"/v1/recordings/{recording.uuid}/labels?version=1"
    assert (body["version"], body["scorer"], body["source"]) == (1, "rater-7", "psg")
    assert body["stages"] == "W?3"
    assert body["labels"] == [
        {"epoch_index": 0, "stage": "W"},
        {"epoch_index": 2, "stage": "N3"},
    ]


def test_a_string_of_letters_is_the_same_as_the_list(ask: Send, recording: Recording) -> None:
    names = ["W", "N1", "N2", "N3", "REM", "Light"]
    entries = [{"epoch_index": i, "stage": name} for i, name in enumerate(names)]

    first = ask("POST", body=scored("w123rl??"))
    again = ask("POST", body=scored(entries))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_four_stage_labels_stay_as_coarse_as_they_came(ask: Send) -> None:
    names = ["Light", "Deep"]
    entries = [{"epoch_index": i, "stage": name} for i, name in enumerate(names)]

    answer = ask("POST", body=scored(entries)).json()

    assert [label["stage"] for label in answer["labels"]] == ["Light", "N3"]


def test_saying_the_same_again_changes_nothing(ask: Send, recording: Recording) -> None:
    ask("POST", body=scored("W12"))
    before = list(LabelSet.objects.values())

    again = ask("POST", body=scored("W12"))

    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert list(LabelSet.objects.values()) == before


def test_another_opinion_is_another_version_and_nothing_is_overwritten(
    ask: Send, recording: Recording
) -> None:
    sent = [
        scored("W12"),
        scored("W12", scorer="rater-8"),
        scored("W12", source="human"),
        scored("W13"),
        scored("W12"),
    ]

    answers = [ask("POST", body=body) for body in sent]

    assert [answer.status_code for answer in answers] == [201] * 5
    assert versions(recording) == [(1, "012"), (2, "012"), (3, "012"), (4, "013"), (5, "012")]


def test_versions_are_listed_newest_first_and_narrowed(ask: Send) -> None:
    for letters, scorer in [("W", "a"), ("1", "b"), ("2", "a")]:
        ask("POST", body=scored(letters, scorer=scorer))

    def listed(query: str = "") -> list[int]:
        return [row["version"] for row in ask("GET", query=query).json()["items"]]

    assert listed() == [3, 2, 1]
    assert listed("?scorer=a") == [3, 1]
    assert listed("?version=2") == [2]
    assert listed("?version=2&scorer=a") == []


def test_versions_are_paged_by_keyset(ask: Send, client: Client) -> None:
    for letters in ("W", "1", "2"):
        ask("POST", body=scored(letters))

    page = ask("GET", query="?limit=2")
    headers = {"Authorization": page.wsgi_request.headers["Authorization"]}
    rest = client.get(page.json()["next"], headers=headers).json()

    assert [row["version"] for row in page.json()["items"]] == [3, 2]
    assert ([row["version"] for row in rest["items"]], rest["next"]) == ([1], None)


WHOLE = {"scorer": "rater-7", "source": "psg", "labels": "W"}
FIRST = {"epoch_index": 0, "stage": "W"}


@pytest.mark.parametrize(
    ("change", "places"),
    [
        ({"scorer": ""}, ["/scorer"]),
        ({"scorer": "Dr. Ada Byron"}, ["/scorer"]),
        ({"scorer": "a" * 65}, ["/scorer"]),
        ({"scorer": "rat\ner"}, ["/scorer"]),
        ({"source": "guess"}, ["/source"]),
        ({"note": "hello"}, ["/note"]),
        ({"labels": None}, ["/labels"]),
        ({"labels": 7}, ["/labels"]),
        ({"labels": {"0": "W"}}, ["/labels"]),
        ({"labels": ""}, ["/labels"]),
        ({"labels": []}, ["/labels"]),
        ({"labels": "???"}, ["/labels"]),
        ({"labels": "W" * 2_881}, ["/labels"]),
        ({"labels": [FIRST] * 2_881}, ["/labels"]),
        ({"labels": ["W"]}, ["/labels/0"]),
        ({"labels": [{"epoch_index": 0}]}, ["/labels/0/stage"]),
        ({"labels": [FIRST, {"stage": "W"}]}, ["/labels/1/epoch_index"]),
        ({"labels": [FIRST | {"confidence": 1}]}, ["/labels/0/confidence"]),
        ({"labels": [FIRST, FIRST]}, ["/labels/1/epoch_index"]),
        (
            {"labels": [{"epoch_index": i, "stage": "W"} for i in (-1, 2_880, True, 0.5, "1")]},
            [f"/labels/{i}/epoch_index" for i in range(5)],
        ),
        (
            {
                "labels": [
                    FIRST,
                    {"epoch_index": 1, "stage": "N4"},
                    {"epoch_index": 9**30, "stage": 3},
                ]
            },
            ["/labels/1/stage", "/labels/2/epoch_index", "/labels/2/stage"],
        ),
    ],
)
def test_bad_labels_are_named_and_refused_whole(
    ask: Send, recording: Recording, change: dict[str, object], places: list[str]
) -> None:
    answer = ask("POST", body=WHOLE | change)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert [problem["pointer"] for problem in answer.json()["errors"]] == places
    assert versions(recording) == []


def test_bad_letters_are_named_by_their_epoch(ask: Send) -> None:
    answer = ask("POST", body=scored("W1xW "))

    named = [(p["pointer"], p["epoch_index"], p["code"]) for p in answer.json()["errors"]]
    assert named == [("/labels", 2, "unknown_stage"), ("/labels", 4, "unknown_stage")]


@pytest.mark.parametrize(
    "query", ["?version=0", "?version=x", "?version=99999999999", "?scorer=a%20b", "?source=psg"]
)
def test_a_bad_query_is_refused(ask: Send, query: str) -> None:
    answer = ask("GET", query=query)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, query.split("=")[0])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_s_night_is_answered_like_an_absent_one(
    ask: Send, recording: Recording, method: str
) -> None:
    ask("POST", body=scored("W"))
    stranger = signatory(client=ServiceClientFactory(role="admin"))

    answers = [
        ask(method, who=stranger, body=scored("1")),
        ask(method, night=uuid4(), body=scored("1")),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert versions(recording) == [(1, "0")]


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("ingest", "POST", 201),
        ("ingest", "GET", 403),
        ("read", "POST", 403),
        ("read", "GET", 200),
        ("reviewer", "GET", 200),
        ("ml_ops", "POST", 403),
    ],
)
def test_each_role_may_what_the_table_says(
    ask: Send, tenant: Tenant, role: str, method: str, status: int
) -> None:
    who = signatory(client=ServiceClientFactory(tenant=tenant, role=role))

    assert ask(method, who=who, body=scored("W")).status_code == status


def test_the_number_of_queries_does_not_grow_with_the_labels(ask: Send) -> None:
    counts = []
    ask("POST", body=scored("W"))
    for letters in ("12", "2" * 2_880):
        with CaptureQueriesContext(connection) as queries:
            ask("POST", body=scored(letters))
            ask("GET")
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_scorers_at_the_same_time_get_versions_in_order(recording: Recording) -> None:
    def score(number: int) -> None:
        scoring = Scoring(f"rater-{number}", "human", [0, 1])
        services.add_labels(recording=recording, scoring=scoring)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(score, range(24)))

    rows = list(LabelSet.objects.filter(recording=recording).order_by("version"))
    assert [row.version for row in rows] == list(range(1, 25))
    assert sorted({row.created_at for row in rows}) == [row.created_at for row in rows]
