"""The routes outside DRF, as the OpenAPI document shows them: probes, metrics, pages."""

from typing import Any

from noctis import errors, problems
from noctis.db.editions import Edition

TAG = "platform"
TAG_DESCRIPTION = "Is it alive, its numbers, and the API's description of itself. No token needed."


def _content(media_type: str, schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {media_type: {"schema": schema, "example": example}}


def _json(schema: dict[str, Any], example: object) -> dict[str, Any]:
    return _content("application/json", schema, example)


def _get(operation_id: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One GET that needs no token; anything beyond is given as it stands in the document."""
    return {
        "get": {
            "operationId": operation_id,
            "summary": summary,
            "tags": [TAG],
            "security": [],
            "responses": responses,
            "x-codes": ["internal_error"],
            **more,
        }
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_TEXT = {"type": "string"}
_LIVES = _object(status={"const": "ok"})
_READINESS = _object(
    status={"enum": ["ready", "not ready"]},
    missing={"type": "array", "items": _TEXT},
    parts={"type": "object", "additionalProperties": _TEXT},
    edition={"enum": [*(edition.value for edition in Edition), "unknown"]},
)
_READY = {
    "status": "ready",
    "missing": [],
    "parts": {"database": "ok", "migrations": "ok", "redis": "ok"},
    "edition": "postgres",
}
_NOT_READY = {
    "status": "not ready",
    "missing": ["redis"],
    "parts": {"database": "ok", "migrations": "ok", "redis": "unreachable"},
    "edition": "postgres",
}
_FOR = {
    "name": "for",
    "in": "query",
    "schema": {"enum": ["ingest"]},
    "description": "`ingest` asks only for what taking in nights needs.",
}
_METRICS = '# TYPE error_total counter\nerror_total{code="not_found"} 3.0\n'
_CODE = _object(
    code=_TEXT,
    status={"type": "integer"},
    title=_TEXT,
    meaning=_TEXT,
    remedy=_TEXT,
    retryable={"type": "boolean"},
    example={"$ref": "#/components/schemas/Problem"},
)
_CODES = _object(items={"type": "array", "items": _CODE}, next={"type": "null"})
_CODE_PATH = {
    "name": "code",
    "in": "path",
    "required": True,
    "schema": _TEXT,
    "example": "rate_limited",
}


def _answer(description: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": content}


def _page(json_answer: dict[str, Any], title: str) -> dict[str, Any]:
    html = _content("text/html", _TEXT, f"<!doctype html><title>{title}</title>…")
    return {"200": _answer("HTML, or JSON where `Accept` prefers it.", html | json_answer)}


def paths() -> dict[str, Any]:
    """Path items, in the document's own terms."""
    return _probes() | _descriptions() | _problem_pages()


def _probes() -> dict[str, Any]:
    lives = _answer("The process lives.", _json(_LIVES, {"status": "ok"}))
    is_ready = _answer("Ready.", _json(_READINESS, _READY))
    is_not = _answer("Not ready; says what is missing.", _json(_READINESS, _NOT_READY))
    numbers = _answer("Prometheus' text format.", _content("text/plain", _TEXT, _METRICS))
    states = {"200": is_ready, "503": is_not}
    return {
        "/healthz": _get("healthz", "Is the process alive?", {"200": lives}),
        "/readyz": _get("readyz", "Can it serve?", states, parameters=[_FOR]),
        "/metrics": _get("metrics", "Its numbers, for Prometheus", {"200": numbers}),
    }


def _descriptions() -> dict[str, Any]:
    document = _answer("This document.", _json({"type": "object"}, {"openapi": "3.1.0"}))
    page = _content("text/html", _TEXT, "<!doctype html><title>Noctis API</title>…")
    shown = {"200": _answer("Swagger UI.", page)}
    return {
        "/v1/openapi.json": _get("openapi", "The API's description", {"200": document}),
        "/v1/docs": _get("reference", "The API's description, to read and to try", shown),
    }


def _problem_pages() -> dict[str, Any]:
    code = problems.explained(errors.RateLimited.row)
    return {
        "/v1/problems": _get(
            "list_problems",
            "Every code that a refusal can carry",
            _page(_json(_CODES, {"items": [code], "next": None}), "Problems"),
        ),
        "/v1/problems/{code}": _get(
            "get_problem",
            "What a code means, and what to do about it",
            _page(_json(_CODE, code), "rate_limited"),
            parameters=[_CODE_PATH],
            **{"x-codes": ["not_found", "internal_error"]},
        ),
    }
