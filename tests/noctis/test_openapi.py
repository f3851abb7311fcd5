"""The OpenAPI document: complete, valid, committed, and true of what the routes do."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from django.urls import path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework import serializers

from mlops.models import DatasetNight
from noctis import errors, http, manual, problems
from noctis.serializers import Body
from tenants.viewsets import ApiViewSet
from tests.factories import (
    DeviceFactory,
    KeyFactory,
    ReplayFactory,
    RetrainingFactory,
    TrainingRunFactory,
    signatory,
)
from tests.recordings.full_nights import full_night
from tests.route_objects import prediction_of
from tests.routes import PARAMETER, Route, routes

Json = dict[str, Any]
NO_ID = str(UUID(int=0))
DOCUMENT: Json = json.loads(manual.document_text())
OPERATIONS = {
    (method.upper(), address): operation
    for address, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
BY_ID = {operation["operationId"]: operation for operation in OPERATIONS.values()}
# People's pages and files: no part of the API.
NO_API = ("console/", "static/")


def described(route: Route) -> set[tuple[str, str]]:
    methods = {method.upper() for method in route.actions} - {"HEAD"} or {"GET"}
    return {(method, "/" + PARAMETER.sub(r"{\1}", route.route)) for method in methods}


def examples() -> Iterator[tuple[str, Json, object]]:
    """Each example of a body with its schema; a code's stands in the components."""
    for (method, address), operation in OPERATIONS.items():
        bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
        for part, body in bodies.items():
            for media_type, media in body.get("content", {}).items():
                shown = media["example"] if "example" in media else media["examples"]
                named = shown if "examples" in media else {"example": {"value": shown}}
                for name, example in named.items():
                    at = f"{method} {address} {part} {media_type} {name}"
                    yield at, media["schema"], resolved(example)["value"]


def resolved(thing: Json) -> Json:
    if "$ref" not in thing:
        return thing
    found: Any = DOCUMENT
    for step in thing["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def filled(address: str) -> str:
    return address.replace("{code}", "not_found").replace("{id}", NO_ID).replace("{kid}", "k")


def faults(schema: Json, value: object) -> list[str]:
    whole = schema | {"components": DOCUMENT["components"]}
    checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [fault.message for fault in checker.iter_errors(value)]


def test_the_committed_document_is_the_one_that_is_generated() -> None:
    committed = (settings.BASE_DIR / "docs" / "openapi.json").read_bytes()

    assert committed == manual.as_text(manual.document()), "run `make openapi` and commit"


def test_the_served_document_is_the_committed_one() -> None:
    answer = Client().get("/v1/openapi.json")

    assert answer["Content-Type"] == "application/json"
    assert answer.content == (settings.BASE_DIR / "docs" / "openapi.json").read_bytes()


def test_the_document_is_valid_openapi_31() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_document_is_generated_without_a_warning() -> None:
    manual.document()

    assert not GENERATOR_STATS


def test_every_route_of_the_api_is_described_and_nothing_else() -> None:
    api = [route for route in routes() if route.route and not route.route.startswith(NO_API)]

    assert set(OPERATIONS) == set().union(*map(described, api))


def test_a_colon_verb_is_a_literal_part_of_its_path() -> None:
    assert BY_ID["disable_client"] is OPERATIONS["POST", "/v1/clients/{id}:disable"]
    assert BY_ID["revoke_key"] is OPERATIONS["POST", "/v1/clients/{id}/keys/{kid}:revoke"]


@pytest.mark.parametrize("operation_id", BY_ID)
def test_every_operation_has_a_summary_and_examples_of_both_bodies(operation_id: str) -> None:
    operation = BY_ID[operation_id]
    contents = [operation["requestBody"]["content"]] if "requestBody" in operation else []
    answered = [code for code in operation["responses"] if code < "300"]
    contents += [operation["responses"][code]["content"] for code in answered]

    assert answered
    assert operation["summary"]
    assert all(media.get("example") for content in contents for media in content.values())


def test_every_example_fits_its_schema() -> None:
    wrong = {at: found for at, schema, value in examples() if (found := faults(schema, value))}

    assert wrong == {}


def test_every_code_has_an_example_in_the_shape_that_is_answered() -> None:
    shown = {name: row["value"] for name, row in DOCUMENT["components"]["examples"].items()}

    assert list(shown) == [row.code for row in problems.registry()]
    assert all(body["code"] == code for code, body in shown.items())
    answered = http.problem_body(errors.Missing(), "/v1/x")
    assert shown["not_found"].keys() == answered.keys()


def test_every_code_that_an_operation_names_is_a_response_of_it() -> None:
    status = {row.code: str(row.status) for row in problems.registry()}
    lost = [
        (operation_id, code)
        for operation_id, operation in BY_ID.items()
        for code in operation["x-codes"]
        if status[code] not in operation["responses"]
    ]

    assert lost == []


@pytest.mark.django_db
def test_a_token_is_asked_for_exactly_where_the_document_says_so() -> None:
    client = Client()
    asked = {
        (method, address): client.generic(
            method, filled(address), "{}", "application/json"
        ).status_code
        for method, address in OPERATIONS
    }

    documented = {key for key, operation in OPERATIONS.items() if operation["security"]}
    assert {key for key, status in asked.items() if status == 401} == documented
    assert all(OPERATIONS[key]["security"] == [{"bearer": []}] for key in documented)


@pytest.mark.django_db
@pytest.mark.parametrize("operation_id", [name for name in BY_ID if name.startswith("list_")])
def test_a_list_answers_in_the_shape_that_is_described(operation_id: str) -> None:
    issued = KeyFactory(client__role="admin")
    night = full_night(DeviceFactory(tenant=issued.key.tenant))
    prediction_of(night)
    run = TrainingRunFactory(tenant=issued.key.tenant)
    RetrainingFactory(tenant=issued.key.tenant)
    DatasetNight.objects.create(
        dataset=run.dataset,
        night_tenant=night.tenant,
        recording=night,
        label_version=1,
        is_held_out=False,
        epochs=1,
    )
    ReplayFactory(tenant=issued.key.tenant)
    ids = {"clients": issued.key.client.uuid, "recordings": night.uuid}
    ids |= {"datasets": run.dataset.uuid, "experiments": run.experiment.uuid}
    address = next(a for (_, a), found in OPERATIONS.items() if found is BY_ID[operation_id])
    address = address.replace("{id}", str(ids.get(address.split("/")[2])))

    answer = ask("GET", address, signatory(issued).token())

    content = BY_ID[operation_id]["responses"]["200"]["content"]
    assert answer.status_code == 200
    assert answer.json()["items"]
    assert faults(content["application/json"]["schema"], answer.json()) == []


@pytest.mark.django_db
def test_a_documented_body_is_taken_and_answered_as_documented() -> None:
    operation = BY_ID["create_client"]
    body = operation["requestBody"]["content"]["application/json"]["example"]

    answer = ask("POST", "/v1/clients", signatory(client__role="admin").token(), body)

    created = operation["responses"]["201"]
    assert answer.status_code == 201
    assert faults(created["content"]["application/json"]["schema"], answer.json()) == []
    assert created["headers"].keys() <= answer.headers.keys()


def ask(method: str, address: str, token: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    text = "" if body is None else json.dumps(body)
    accepting = headers | {"Accept": "application/json"}
    return Client().generic(method, address, text, "application/json", headers=accepting)


def test_every_request_body_is_closed() -> None:
    bodies = [op["requestBody"]["content"] for op in BY_ID.values() if "requestBody" in op]
    schemas = [resolved(content["application/json"]["schema"]) for content in bodies]

    assert schemas
    assert all(schema["additionalProperties"] is False for schema in schemas)


@pytest.mark.parametrize(
    ("operation_id", "codes"),
    [
        ("create_client", {"bad_request", "payload_too_large", "missing_token", "name_taken"}),
        ("sign_in", {"sign_in_refused", "rate_limited", "unsupported_media_type"}),
        ("list_audit", {"bad_request", "forbidden", "validation_error"}),
        ("get_client", {"not_found", "tenant_suspended", "db_error", "internal_error"}),
    ],
)
def test_codes_follow_from_what_an_operation_is_like(operation_id: str, codes: set[str]) -> None:
    assert codes <= set(BY_ID[operation_id]["x-codes"])


@pytest.mark.parametrize(
    ("operation_id", "code"),
    [
        ("whoami", "payload_too_large"),
        ("get_client", "bad_request"),
        ("sign_in", "missing_token"),
        ("healthz", "rate_limited"),
    ],
)
def test_a_code_that_cannot_come_is_not_promised(operation_id: str, code: str) -> None:
    assert code not in BY_ID[operation_id]["x-codes"]


def test_query_parameters_are_those_that_the_view_declares() -> None:
    names = [row.get("name") for row in BY_ID["list_audit"]["parameters"] if "name" in row]

    assert names == ["cursor", "limit", "request_id"]


class Fruit(Body):
    name = serializers.CharField()


class Ripe(Fruit):
    example = {"name": "quince"}


class Fruits(ApiViewSet):
    policy = {"list": "public", "create": "public"}
    parameters = {"list": frozenset({"colour"})}

    @extend_schema(operation_id="fruits", responses={200: Ripe})
    def list(self) -> None:
        """Takes a filter that it does not describe."""

    @extend_schema(operation_id="plant", request=Ripe, responses={201: Fruit})
    def create(self) -> None:
        """Answers with a body that has no example."""


@pytest.mark.parametrize(
    ("actions", "warning"),
    [({"get": "list"}, "describe each one"), ({"post": "create"}, "Fruit has no `example`")],
)
def test_what_a_view_leaves_undescribed_is_a_warning(
    actions: dict[str, str], warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = SchemaGenerator(patterns=[path("v1/fruits", Fruits.as_view(actions))])

    generator.get_schema(public=True)

    assert GENERATOR_STATS
    assert warning in capsys.readouterr().err
