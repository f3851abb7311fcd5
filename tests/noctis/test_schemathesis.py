"""Schemathesis over every operation of the OpenAPI document: no 500, no answer that is not there.

`EXAMPLES` says how many requests of either kind, good and broken, an operation gets."""

import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from django.test.client import ClientHandler
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from noctis import limits, manual
from tenants.models import Tenant
from tests.factories import PlatformFactory, signatory
from tests.route_objects import OBJECTS, SHARED
from tests.routes import PARAMETER, routes

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
EXAMPLES = int(os.environ.get("EXAMPLES", "4"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
HANDLER = ClientHandler(enforce_csrf_checks=False)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    """The platform as the test's client calls it: within the test's transaction."""
    answer = HANDLER(environ)
    start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
    yield answer.getvalue()


def described_by(document: Json) -> Any:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = application
    return schema


OPERATIONS = {
    found.ok().label: found.ok() for found in described_by(manual.document()).get_all_operations()
}
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize="EXAMPLES" not in os.environ,
)


@pytest.fixture(autouse=True)
def _without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", {})


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


def own_path(operation: Any, tenant: Tenant) -> dict[str, str]:
    """What leads to an object that is there."""
    for route in routes():
        if "/" + PARAMETER.sub(r"{\1}", route.route) == operation.path:
            path_of = (OBJECTS | SHARED).get(route.view)
            return path_of(tenant) if path_of else {}
    return {}


def test_every_operation_of_the_document_is_tried() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, item in manual.document()["paths"].items()
        for method in item
    }

    assert set(OPERATIONS) == described
    assert len(described) > 90


def tried(operation: Any, mode: GenerationMode, tenant: Tenant) -> None:
    """As an admin of the platform; half of the paths lead to objects that are there."""
    own = own_path(operation, tenant)
    who = signatory(client__tenant=tenant, client__role="admin")
    bearer = {"Authorization": f"Bearer {who.token()}"}

    @fuzzed
    @given(data=st.data())
    def answers_as_described(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if own and data.draw(st.booleans()):
            case.path_parameters = dict(own)
        with transaction.atomic():
            response = case.call(headers=bearer)
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    answers_as_described()


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_operation_fails_or_answers_what_is_not_described(
    label: str, mode: GenerationMode, platform: Tenant
) -> None:
    tried(OPERATIONS[label], mode, platform)


def without_the_status(operation: Json) -> None:
    del operation["responses"]["200"]


def with_a_member_that_never_comes(operation: Json) -> None:
    content = operation["responses"]["200"]["content"]["application/json"]
    content["schema"] = {"type": "object", "required": ["never"]}


def of_another_type(operation: Json) -> None:
    answer = operation["responses"]["200"]
    answer["content"] = {"text/csv": answer["content"]["application/json"]}


def with_a_header_that_never_comes(operation: Json) -> None:
    never = {"schema": {"type": "string"}, "required": True}
    operation["responses"]["200"]["headers"] = {"X-Never": never}


@pytest.mark.parametrize(
    "broken",
    [
        without_the_status,
        with_a_member_that_never_comes,
        of_another_type,
        with_a_header_that_never_comes,
    ],
)
def test_an_answer_that_is_not_described_is_found(
    broken: Callable[[Json], None], platform: Tenant
) -> None:
    document = deepcopy(manual.document())
    broken(document["paths"]["/v1/whoami"]["get"])
    schema = described_by(document)

    with pytest.raises(FailureGroup):
        tried(schema["/v1/whoami"]["GET"], GenerationMode.POSITIVE, platform)


def test_a_failure_of_the_platform_is_found(
    platform: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.bodies.whoami", None)

    with pytest.raises(FailureGroup, match="Server error"):
        tried(OPERATIONS["GET /v1/whoami"], GenerationMode.POSITIVE, platform)
