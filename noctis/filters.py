"""The query parameters that narrow a list: one table reads, refuses, applies and describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import Field

from noctis import errors


@dataclass(frozen=True)
class Filter:
    """How a parameter is read, and the queryset's method that it stands for."""

    field: Field[Any, Any, Any, Any]
    narrow: Callable[[Any, Any], Any]
    schema: dict[str, Any]
    description: str


def narrowed(rows: Any, filters: Mapping[str, Filter], query: Mapping[str, str]) -> Any:
    """The rows that all given parameters leave, or everything that is wrong with the parameters."""
    problems = []
    for name in filters.keys() & query.keys():
        try:
            value = filters[name].field.run_validation(query[name])
        except ValidationError as error:
            problems += [
                _problem(name, detail) for detail in cast("list[ErrorDetail]", error.detail)
            ]
        else:
            rows = filters[name].narrow(rows, value)
    if problems:
        raise errors.Invalid(problems=problems)
    return rows


def _problem(name: str, detail: ErrorDetail) -> errors.Problem:
    return errors.Problem(f"?{name}", str(detail.code), str(detail))


def described(filters: Mapping[str, Filter]) -> list[OpenApiParameter]:
    """The same parameters for the OpenAPI document."""
    return [
        OpenApiParameter(name, row.schema, description=row.description)
        for name, row in filters.items()
    ]
