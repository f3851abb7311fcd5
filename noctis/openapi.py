"""How the OpenAPI document is made from the views: the token, the problems, one example for each."""

from typing import Any

from drf_spectacular.openapi import AutoSchema


class Operation(AutoSchema):
    """One operation of the document."""


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    return result
