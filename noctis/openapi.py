"""How the OpenAPI document is made from the views: the token, the problems, one example for each.

Knows no app: a view's `policy` and `parameters`, and the `example` of a body, say what is theirs.
"""

import inspect
from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Any

import uritemplate
from django.apps import apps
from drf_spectacular.drainage import warn
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance, is_list_serializer
from drf_spectacular.utils import OpenApiParameter

from noctis import errors, headers, http, pagination, plain_routes, problems
from noctis.serializers import Body

Json = dict[str, Any]
CODES_KEY = "x-codes"

PAGING = {
    "limit": OpenApiParameter(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": pagination.MAX_LIMIT,
            "default": pagination.DEFAULT_LIMIT,
        },
        description="How many a page holds at most.",
    ),
    "cursor": OpenApiParameter(
        "cursor", str, description="From the `next` of the page before; leave it out for the first."
    ),
}


# What an operation is like, and the codes that it can answer for it.
RULES: dict[str, tuple[str, ...]] = {
    "any": (
        "validation_error",
        "not_acceptable",
        "internal_error",
        "db_error",
        "db_circuit_open",
        "overloaded",
        "request_timeout",
    ),
    # A key that is bound to one device finds nothing but its own recordings: hence `not_found`.
    "needs a token": (
        "missing_token",
        "invalid_token",
        "expired_token",
        "forbidden",
        "tenant_suspended",
        "not_found",
    ),
    "takes a body": (
        "bad_request",
        "request_body_timeout",
        "payload_too_large",
        "unsupported_media_type",
    ),
    "is a list": ("bad_request",),
    "names an object": ("not_found",),
    "is rate limited": ("rate_limited",),
    "takes an idempotency key": ("idempotency_key_reused", "idempotency_in_flight"),
}


def ruled_codes(operation: Json, view: Any) -> set[str]:
    """The codes that follow from what the operation is like."""
    is_like = {
        "any": True,
        "needs a token": bool(operation["security"]),
        "takes a body": "requestBody" in operation,
        "is a list": "cursor" in _query_names(operation),
        "names an object": "{" in view.schema.path,
        "is rate limited": bool(view.get_throttles()),
        "takes an idempotency key": view.schema.method == "POST" and bool(operation["security"]),
    }
    return {code for rule, codes in RULES.items() if is_like[rule] for code in codes}


def _query_names(operation: Json) -> set[str]:
    return {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}


class Operation(AutoSchema):
    """One operation; what only its view knows is added with `@extend_schema`."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Json | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        operation.setdefault("security", [])
        if _query_names(operation) != self._declared():
            warn("`parameters` of the view and of @extend_schema differ; describe each one")
        self._add_examples(operation)
        own = set(operation.get(CODES_KEY, ()))
        return operation | {CODES_KEY: sorted(own | ruled_codes(operation, self.view))}

    def _declared(self) -> set[str]:
        declared: dict[str, Iterable[str]] = getattr(self.view, "parameters", {})
        return set(declared.get(self._action(), ()))

    def _action(self) -> str:
        return str(getattr(self.view, "action", self.method.lower()))

    def get_override_parameters(self) -> list[Any]:
        path = [_path_parameter(name) for name in uritemplate.variables(self.path)]
        return path + [PAGING[name] for name in PAGING if name in self._declared()]

    def get_summary(self) -> str | None:
        return self._paragraphs()[0].rstrip(".") or None

    def get_description(self) -> str:  # type: ignore[override]  # so does drf-spectacular
        policy = getattr(self.view, "policy", {}).get(self._action(), "")
        is_open = not self.view.get_authenticators()
        needs = "Needs no token." if is_open else f"Needs the capability `{policy}`."
        return "\n\n".join([*self._paragraphs()[1:], needs])

    def _paragraphs(self) -> list[str]:
        text = inspect.getdoc(getattr(self.view, self._action())) or ""
        return [" ".join(part.split()) for part in text.split("\n\n")]

    def get_tags(self) -> list[str]:
        app = apps.get_containing_app_config(type(self.view).__module__)
        return [app.label if app else plain_routes.TAG]

    def _add_examples(self, operation: Json) -> None:
        if body := operation.get("requestBody"):
            self._set_example(body["content"], self.get_request_serializer())
        answers = self.get_response_serializers()
        by_status = answers if isinstance(answers, dict) else {None: answers}
        for key, serializer in by_status.items():
            status, only = key if isinstance(key, tuple) else (key, None)
            for documented, response in operation["responses"].items():
                if status is None or str(status) == documented:
                    content = response.get("content", {})
                    shown = {kind: media for kind, media in content.items() if only in (None, kind)}
                    self._set_example(shown, serializer)

    def _set_example(self, content: Json, serializer: Any) -> None:
        body = force_instance(serializer)
        shown = getattr(body.child if is_list_serializer(body) else body, "example", None)
        if content and shown is None:
            warn(f"{type(body).__name__} has no `example`")
        if is_list_serializer(body):
            after = f"https://noctis.example{self.path}?cursor=WyIyMDI2LTAzLTAxIiwxXQ"
            shown = {"items": [shown], "next": after}
        for media in content.values():
            media.setdefault("example", shown)


def _path_parameter(name: str) -> OpenApiParameter:
    schema = {"type": "string", "format": "uuid"} if name == "id" else {"type": "string"}
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, required=True)


class Bearer(OpenApiAuthenticationExtension):
    target_class = "tenants.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A service client's token: header `alg` and `kid`, claims `sub`, "
            "`tenant_id`, `iss`, `aud` and `exp`. `manage.py client token` mints one. "
            "Or an operator's access token from `POST /v1/auth/token`.",
        }


class InstantField(OpenApiSerializerFieldExtension):
    target_class = "noctis.serializers.Instant"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Json:
        return {"type": "string", "format": "date-time"}


def complete(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """drf-spectacular's hook: what holds for every operation is written here, once."""
    result["paths"] |= plain_routes.paths()
    operations = [call for item in result["paths"].values() for call in item.values()]
    for operation in operations:
        _finish(operation)
    names = {operation["tags"][0] for operation in operations}
    result["tags"] = [_tag(name) for name in sorted(names, key=_apps_first)]
    components = result["components"]
    for name, schema in components["schemas"].items():
        _tidy(name, schema)
    components["schemas"]["Problem"] = problems.SCHEMA
    components["headers"] = headers.ANSWERED
    components["parameters"] = headers.SENT
    components["examples"] = {
        row.code: {"summary": row.title, "value": problems.example(row)}
        for row in problems.registry()
    }
    return result


def _tidy(name: str, schema: Json) -> None:
    """Close request bodies, and drop what drf-spectacular leaves for hooks that are not used."""
    if name.endswith("Request"):
        schema["additionalProperties"] = False
    if schema.get("description") == inspect.getdoc(Body):
        del schema["description"]
    for property_schema in schema.get("properties", {}).values():
        property_schema.pop("x-spec-enum-id", None)


def _apps_first(tag: str) -> tuple[bool, str]:
    return tag == plain_routes.TAG, tag


def _tag(name: str) -> Json:
    if name == plain_routes.TAG:
        return {"name": name, "description": plain_routes.TAG_DESCRIPTION}
    return {"name": name, "description": inspect.getdoc(apps.get_app_config(name).module) or ""}


def _finish(operation: Json) -> None:
    """Give an operation its headers, and a response for each status of its codes."""
    codes = operation[CODES_KEY]
    operation["parameters"] = [*operation.get("parameters", []), *headers.sent(codes)]
    rows = [row for row in problems.registry() if row.code in codes]
    for status, group in groupby(rows, key=lambda row: row.status):
        operation["responses"].setdefault(str(status), _problem_response(list(group)))
    for status, response in operation["responses"].items():
        response["description"] = response.get("description") or HTTPStatus(int(status)).phrase
        response["headers"] = response.get("headers", {}) | headers.of(int(status), codes)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _problem_response(rows: list[errors.Code]) -> Json:
    examples = {row.code: {"$ref": f"#/components/examples/{row.code}"} for row in rows}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": " ".join(f"`{row.code}`: {row.meaning}" for row in rows),
        "content": {http.PROBLEM_TYPE: {"schema": schema, "examples": examples}},
    }
