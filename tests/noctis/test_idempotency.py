"""`Idempotency-Key`: one effect and one answer, whoever repeats, crashes or comes in between."""

import gzip
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response

from noctis import errors, idempotency, urls
from noctis.limits import Limit
from noctis.models import KeptAnswer
from noctis.tasks import forget_expired_answers
from tenants.models import ServiceClient, ServiceClientKey
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet
from tests.factories import ServiceClientFactory, signatory
from tests.tokens import Signatory

KEY = "night-1"
EFFECT = "ml_ops"


class Effects(ApiViewSet):
    """Has an effect, and then does what the test says."""

    policy = {"create": Capability.CLIENTS_WRITE, "other": Capability.CLIENTS_WRITE}
    then: ClassVar[Callable[[], None]]

    def create(self, request: Request) -> Response:
        ServiceClientFactory(tenant=self.caller.tenant, role=EFFECT)
        type(self).then()
        return Response({"done": True}, 201, headers={"Location": "/v1/effects/1", "ETag": '"7"'})

    def other(self, request: Request) -> Response:
        return Response({"other": True})


urlpatterns = [
    path("v1/effects", Effects.as_view({"post": "create"})),
    path("v1/others", Effects.as_view({"post": "other"})),
    *urls.urlpatterns,
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
for_threads = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    then(monkeypatch, lambda: None)


def then(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    monkeypatch.setattr(Effects, "then", staticmethod(happens), raising=False)


@pytest.fixture
def admin() -> Signatory:
    return signatory(client__role="admin")


def post(who: Signatory, to: str = "/v1/effects", key: str | None = KEY, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {who.token()}"} | more.pop("headers", {})
    if key is not None:
        headers["Idempotency-Key"] = key
    body = more.pop("body", {})
    data = body if isinstance(body, bytes) else json.dumps(body)
    client = Client(raise_request_exception=False)
    return client.generic("POST", to, data, "application/json", headers=headers)


def effects() -> int:
    return ServiceClient.objects.filter(role=EFFECT).count()


def is_replay(answer: HttpResponse) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def refuse(status: int) -> Callable[[], None]:
    class Refused(errors.Refusal):
        row = errors.Code("refused", status, "No", "It is refused.", "Do not.")

    def happens() -> None:
        raise Refused

    return happens


def test_a_repeated_request_has_one_effect_and_one_answer(admin: Signatory) -> None:
    first = post(admin)

    second = post(admin)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Location"] == first.headers["Location"] == "/v1/effects/1"
    assert second.headers["ETag"] == '"7"'
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert effects() == 1


def test_without_a_key_there_is_nothing_of_it(admin: Signatory) -> None:
    with CaptureQueriesContext(connection) as queries:
        answers = [post(admin, "/v1/others", key=None) for _ in range(2)]

    statements = " ".join(query["sql"] for query in queries)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any(word in statements for word in ("keptanswer", "advisory", "SAVEPOINT"))


def test_the_key_with_another_body_is_refused(admin: Signatory) -> None:
    post(admin)

    answer = post(admin, body={"more": 1})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert effects() == 1


def test_the_key_with_another_object_of_the_route_is_refused(admin: Signatory) -> None:
    tenant = ServiceClientKey.objects.get(kid=admin.kid).tenant
    clients = [ServiceClientFactory(tenant=tenant) for _ in range(2)]

    answers = [post(admin, f"/v1/clients/{client.uuid}:disable") for client in clients]

    assert [answer.status_code for answer in answers] == [200, 422]
    assert ServiceClient.objects.get(pk=clients[1].pk).is_enabled


def test_a_body_is_the_same_however_it_is_packed(admin: Signatory) -> None:
    post(admin, body={})

    again = post(admin, body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})

    assert is_replay(again)


def test_another_client_tenant_or_route_has_keys_of_its_own(admin: Signatory) -> None:
    tenant = ServiceClientKey.objects.get(kid=admin.kid).tenant
    colleague = signatory(client__role="admin", client__tenant=tenant)
    stranger = signatory(client__role="admin")
    post(admin, "/v1/others")

    answers = [post(colleague, "/v1/others"), post(stranger, "/v1/others"), post(admin)]

    assert not any(is_replay(answer) for answer in answers)
    assert [answer.status_code for answer in answers] == [200, 200, 201]


def test_a_secret_is_answered_again_and_sealed_at_rest(admin: Signatory) -> None:
    wanted = {"name": "gateway", "role": "ingest"}
    first = post(admin, "/v1/clients", body=wanted)
    secret = first.json()["key"]["secret"]

    second = post(admin, "/v1/clients", body=wanted)

    with connection.cursor() as cursor:
        cursor.execute("SELECT noctis_keptanswer::text FROM noctis_keptanswer")
        ((row,),) = cursor.fetchall()
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["key"]["secret"] == secret
    assert secret not in row
    assert "gateway" not in row


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 413, 422])
def test_a_refusal_is_kept_and_its_effect_is_not(
    admin: Signatory, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    then(monkeypatch, refuse(status))
    first = post(admin)
    then(monkeypatch, lambda: None)

    second = post(admin)

    assert (first.status_code, second.status_code) == (status, status)
    assert second.content == first.content
    assert second.headers["Content-Type"] == "application/problem+json"
    assert is_replay(second)
    assert effects() == 0


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503, 504])
def test_what_may_go_better_next_time_is_not_kept(
    admin: Signatory, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    then(monkeypatch, refuse(status))
    first = post(admin)
    then(monkeypatch, lambda: None)

    second = post(admin)

    assert (first.status_code, second.status_code) == (status, 201)
    assert not is_replay(second)
    assert effects() == 1


def test_a_bad_body_is_refused_the_same_way_again(admin: Signatory) -> None:
    answers = [post(admin, "/v1/clients", body={"rol": 1}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[1].json()["errors"] == answers[0].json()["errors"]
    assert is_replay(answers[1])


def test_a_used_up_limit_is_not_kept(admin: Signatory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noctis.limits.LIMITS", {"write": Limit(1, 3600)})
    post(admin, key="another")
    limited = post(admin)
    monkeypatch.setattr("noctis.limits.LIMITS", {})

    again = post(admin)

    assert (limited.status_code, again.status_code) == (429, 201)


def test_an_expired_answer_is_overwritten(admin: Signatory) -> None:
    post(admin)
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    again = post(admin, body={"more": 1})

    assert (again.status_code, is_replay(again)) == (201, False)
    assert KeptAnswer.objects.get().expires_at > timezone.now() + timedelta(hours=23)
    assert is_replay(post(admin, body={"more": 1}))


@pytest.mark.parametrize("key", ["", " ", "two words", "k" * 256, "caf\u00e9", "tab\tbed"])
def test_a_malformed_key_is_refused(admin: Signatory, key: str) -> None:
    answer = post(admin, key=key)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"
    assert effects() == 0


def test_the_longest_key_is_taken(admin: Signatory) -> None:
    post(admin, key="~" * 255)

    assert is_replay(post(admin, key="~" * 255))


def test_reading_and_signing_in_take_no_key(admin: Signatory) -> None:
    headers = {"Authorization": f"Bearer {admin.token()}", "Idempotency-Key": KEY}
    credentials = {"username": "nobody", "password": "x", "otp": "", "tenant": "none"}

    answers = [Client().get("/v1/whoami", headers=headers) for _ in range(2)]
    answers += [
        Client().post(
            "/v1/auth/token", credentials, "application/json", headers={"Idempotency-Key": KEY}
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 401]
    assert not KeptAnswer.objects.exists()


def test_a_bug_leaves_neither_effect_nor_answer(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    then(monkeypatch, break_down)

    answer = post(admin)

    assert (answer.status_code, effects(), KeptAnswer.objects.count()) == (500, 0, 0)


@for_threads
def test_a_killed_backend_leaves_nothing_and_the_second_try_is_the_only_effect(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DB_RETRY_BASE_DELAY_SECONDS = 0.001
    tries: list[int] = []

    def be_killed_once() -> None:
        tries.append(effects())
        if len(tries) == 1:
            kill_this_backend()

    then(monkeypatch, be_killed_once)

    answer = post(admin)

    assert (answer.status_code, tries) == (201, [1, 1])
    assert (effects(), KeptAnswer.objects.count()) == (1, 1)


@for_threads
def test_a_backend_that_is_killed_each_time_leaves_neither_effect_nor_answer(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DB_RETRY_BASE_DELAY_SECONDS = 0.001
    then(monkeypatch, kill_this_backend)

    answer = post(admin)

    assert (answer.status_code, answer.json()["code"]) == (503, "db_error")
    assert (effects(), KeptAnswer.objects.count()) == (0, 0)


def kill_this_backend() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@for_threads
def test_a_request_that_is_under_way_is_not_begun_again(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def wait() -> None:
        has_begun.set()
        may_end.wait(10)

    then(monkeypatch, wait)
    answers: list[Any] = []

    def call() -> None:
        answers.append(post(admin))
        connections.close_all()

    thread = threading.Thread(target=call)
    thread.start()
    has_begun.wait(10)
    meanwhile = post(admin)
    may_end.set()
    thread.join(10)
    after = post(admin)

    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "idempotency_in_flight")
    assert meanwhile.json()["retryable"] is True
    assert meanwhile.headers["Retry-After"] == "1"
    assert (answers[0].status_code, is_replay(after)) == (201, True)
    assert effects() == 1


@for_threads
def test_of_many_at_once_one_has_the_effect(admin: Signatory) -> None:
    answers: list[Any] = []
    gate = threading.Barrier(6)

    def call() -> None:
        gate.wait(10)
        answers.append(post(admin))
        connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert effects() == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum(answer.status_code == 201 and not is_replay(answer) for answer in answers) == 1


def test_expired_answers_are_forgotten_some_at_a_time(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        post(admin, "/v1/others", key=f"k{number}")
    expired = KeptAnswer.objects.exclude(key="k3")
    expired.update(expires_at=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(idempotency, "MOST_FORGOTTEN", 2)

    first = idempotency.forget_expired(at=timezone.now())
    rest = forget_expired_answers()

    assert (first, rest) == (2, 1)
    assert [row.key for row in KeptAnswer.objects.all()] == ["k3"]


def test_an_answer_that_no_key_of_the_ring_opens_has_no_second_effect(admin: Signatory) -> None:
    post(admin)
    KeptAnswer.objects.update(answer="gAAAAABunreadable")

    answer = post(admin)

    assert answer.status_code == 500
    assert effects() == 1
