"""What surrounds every action: the deadline, and repetition where it changes nothing."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test import Client
from django.urls import path
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response

from noctis import manual
from noctis.models import KeptAnswer
from tenants.models import ServiceClient
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet
from tests.db.proxy import Proxy
from tests.factories import ServiceClientFactory, signatory
from tests.tokens import Signatory

EFFECT = "ml_ops"


class Works(ApiViewSet):
    """Does what the test says; `ingest` may be done twice, `create` may not."""

    policy = dict.fromkeys(("list", "create", "ingest"), Capability.CLIENTS_WRITE)
    repeatable = frozenset({"ingest"})
    work: ClassVar[Callable[[], None]]
    tries: ClassVar[int]

    def list(self, request: Request) -> Response:
        type(self).tries += 1
        ServiceClientFactory(tenant=self.caller.tenant, role=EFFECT)
        type(self).work()
        return Response({"tries": self.tries})

    create = ingest = list


urlpatterns = [
    path("v1/works", Works.as_view({"get": "list", "post": "create"})),
    path("v1/works:ingest", Works.as_view({"post": "ingest"})),
]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    settings.DB_RETRY_BASE_DELAY_SECONDS = 0.001
    monkeypatch.setattr(Works, "tries", 0, raising=False)
    yield
    connection.close()


@pytest.fixture
def admin() -> Signatory:
    return signatory(client__role="admin")


def works(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> None:
    monkeypatch.setattr(Works, "work", staticmethod(work), raising=False)


def ask(who: Signatory, method: str, to: str = "/v1/works", **headers: str) -> Any:
    named = {"Authorization": f"Bearer {who.token()}"} | headers
    client = Client(raise_request_exception=False)
    return client.generic(method, to, "{}", "application/json", headers=named)


def effects() -> int:
    return ServiceClient.objects.filter(role=EFFECT).count()


def dawdle() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


def be_killed_once() -> None:
    if Works.tries == 1:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_request_that_takes_too_long_is_cancelled_and_undone(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.REQUEST_TIMEOUT_SECONDS = 2
    works(monkeypatch, dawdle)

    answer = ask(admin, "POST", **{"Idempotency-Key": "k"})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (504, "request_timeout")
    assert problem["retryable"] is True
    assert (effects(), KeptAnswer.objects.count(), Works.tries) == (0, 0, 1)


@pytest.mark.parametrize(
    ("method", "to", "status", "tries"),
    [
        ("GET", "/v1/works", 200, 2),
        ("POST", "/v1/works:ingest", 200, 2),
        ("POST", "/v1/works", 503, 1),
    ],
)
def test_only_what_may_be_done_twice_is(
    admin: Signatory,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    to: str,
    status: int,
    tries: int,
) -> None:
    works(monkeypatch, be_killed_once)

    answer = ask(admin, method, to)

    assert (answer.status_code, Works.tries) == (status, tries)


def test_with_a_key_a_lost_commit_is_looked_up_and_not_repeated(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    works(monkeypatch, lambda: None)
    own = dict(connection.settings_dict)
    with Proxy(str(Path(own["HOST"]) / ".s.PGSQL.5432")) as door:
        connection.close()
        connection.settings_dict.update({"HOST": "127.0.0.1", "PORT": str(door.port)})
        door.loses_commits = 1
        try:
            answer = ask(admin, "POST", **{"Idempotency-Key": "k"})
        finally:
            connection.close()
            connection.settings_dict.update(own)

    assert (answer.status_code, Works.tries, effects()) == (200, 1, 1)
    assert answer.headers["Idempotency-Replayed"] == "true"
    assert door.loses_commits == 0


@pytest.mark.urls("noctis.urls")
def test_every_post_with_a_token_documents_its_key() -> None:
    paths = json.loads(manual.document_text())["paths"]
    posts = {at: item["post"] for at, item in paths.items() if "post" in item}

    without = {at for at, post in posts.items() if "IdempotencyKey" not in str(post["parameters"])}

    assert without == {"/v1/auth/token", "/v1/auth/token/refresh"}
