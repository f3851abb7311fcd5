"""What a refusal looks like to its reader: every code that can come, schema and examples."""

import importlib
import json
import pkgutil
from functools import cache
from http import HTTPStatus
from typing import Any

from django.apps import apps

from noctis import errors, http

EXAMPLE_REQUEST_ID = "6f1e0c5a9b7d4e2f8a3c1d0b9e8f7a6b"
EXAMPLE_PLACES = [
    errors.Problem("/name", "required", "This field is required."),
    errors.Problem("/rol", "unknown_field", "unknown field"),
]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is the contract; `type` opens a page that explains it.",
    "required": [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "retryable",
    ],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was called."},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "request_id": {"type": "string", "description": "As in `X-Request-Id` and in every log."},
        "retryable": {
            "type": "boolean",
            "description": "May the same request succeed later, unchanged?",
        },
        "errors": {
            "type": "array",
            "maxItems": errors.MAX_PROBLEMS,
            "description": "All that is wrong with the request, so that one round trip shows it.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "Into the body as in RFC 6901, or `?name` of a parameter.",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


@cache
def registry() -> list[errors.Code]:
    """Every code, by status and name, whether or not the module that refuses is loaded yet."""
    for app in apps.get_app_configs():
        services = f"{app.name}.services"
        if app.name == app.label and importlib.util.find_spec(services):
            _import_all(services)
    return sorted(errors.CODES.values(), key=lambda row: (row.status, row.code))


def _import_all(package: str) -> None:
    module = importlib.import_module(package)
    for found in pkgutil.iter_modules(getattr(module, "__path__", []), f"{package}."):
        importlib.import_module(found.name)


def example(row: errors.Code) -> dict[str, Any]:
    """A body with this code, as `noctis.http` answers it."""
    body = http.problem_body(_refusal(row), "/v1/clients")
    return body | {"request_id": EXAMPLE_REQUEST_ID}


def answer_text(row: errors.Code) -> str:
    """The whole answer with this code, as a terminal shows it."""
    fixed = {"Content-Type": http.PROBLEM_TYPE, "X-Request-Id": EXAMPLE_REQUEST_ID}
    headers = fixed | http.problem_headers(_refusal(row))
    lines = [f"HTTP/1.1 {row.status} {HTTPStatus(row.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\n".join([*lines, "", json.dumps(example(row), indent=2)])


def _refusal(row: errors.Code) -> errors.Refusal:
    base = errors.Unauthenticated if row.status == HTTPStatus.UNAUTHORIZED else errors.Refusal
    kind: type[errors.Refusal] = type("Example", (base,), {"row": row})
    return kind(problems=EXAMPLE_PLACES if row.code == errors.Invalid.row.code else None)


def explained(row: errors.Code) -> dict[str, Any]:
    """A code for a program: what its page says to a person."""
    return {
        "code": row.code,
        "status": row.status,
        "title": row.title,
        "meaning": row.meaning,
        "remedy": row.remedy,
        "retryable": row.is_retryable,
        "example": example(row),
    }
