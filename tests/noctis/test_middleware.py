"""What is refused before any view is asked."""

import pytest
from django.test import Client

ELSEWHERE = "elsewhere.example"


@pytest.mark.parametrize("path", ["/v1/whoami", "/v1/openapi.json", "/console/login/", "/nowhere"])
def test_a_host_that_is_not_ours_is_refused(path: str) -> None:
    answer = Client().get(path, headers={"Host": ELSEWHERE})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "bad_request")
    assert ELSEWHERE not in answer.content.decode()
    assert answer["X-Request-Id"] == problem["request_id"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_come_by_any_name(path: str) -> None:
    answer = Client().get(path, headers={"Host": ELSEWHERE})

    assert answer.status_code == 200
