"""What is refused before any view is asked."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY

from noctis import requests
from noctis.middleware import MOST_HOSTS, KnownHost, RequestLog, SecurityHeaders

ELSEWHERE = "elsewhere.example"


@pytest.mark.parametrize("path", ["/v1/whoami", "/v1/openapi.json", "/console/login/", "/nowhere"])
def test_a_host_that_is_not_ours_is_refused(path: str) -> None:
    answer = Client().get(path, headers={"Host": ELSEWHERE})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "bad_request")
    assert ELSEWHERE not in answer.content.decode()
    assert answer["X-Request-Id"] == problem["request_id"]


def test_hosts_are_remembered_up_to_a_bound_and_no_other_becomes_ours() -> None:
    served = KnownHost(lambda _: HttpResponse("served"))

    def asked(host: str) -> int:
        return served(RequestFactory().get("/v1/whoami", HTTP_HOST=host)).status_code

    ours = [asked(f"testserver:{port}") for port in range(1, 2 * MOST_HOSTS)]

    assert set(ours) == {200}
    assert len(served._known) <= MOST_HOSTS
    assert [asked(ELSEWHERE), asked("testserver"), asked(ELSEWHERE)] == [400, 200, 400]
    assert ELSEWHERE not in served._known


def test_an_answer_keeps_what_a_view_said_of_its_headers() -> None:
    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"cache-control": "max-age=60", "X-Request-Id": "made-up"})

    answer = RequestLog(SecurityHeaders(view))(RequestFactory().get("/v1/whoami"))

    assert answer["Cache-Control"] == "max-age=60"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Request-Id"] == answer["X-Correlation-Id"] != "made-up"
    assert answer["Content-Length"] == "0"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_come_by_any_name(path: str) -> None:
    answer = Client().get(path, headers={"Host": ELSEWHERE})

    assert answer.status_code == 200


@pytest.mark.django_db
def test_an_answer_is_counted_once_by_status_view_and_method() -> None:
    labels = {"status": "401", "view": "tenants.api.Whoami", "method": "GET"}
    before = counted(labels)

    status = Client().get("/v1/whoami").status_code

    assert (status, counted(labels) - before) == (401, 1.0)


def test_a_method_that_nobody_knows_is_no_label_of_its_own() -> None:
    labels = {"status": "404", "view": requests.UNNAMED, "method": "<invalid method>"}
    before = counted(labels)

    Client().generic("MAKE-UP-A-LABEL", "/nowhere")

    assert counted(labels) - before == 1.0


def counted(labels: dict[str, str]) -> float:
    name = "django_http_responses_total_by_status_view_method_total"
    return REGISTRY.get_sample_value(name, labels) or 0.0
