"""The glossary's tables say every term that a body of statistics or of an evaluation has."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from django.conf import settings
from rest_framework import serializers

from inference.bodies.hypnograms import Statistics
from mlops.agreement import Limits
from mlops.bodies.evaluation import COMPARED, NightEvaluation

TEXT = (settings.BASE_DIR / "docs" / "glossary.md").read_text()
ROW = re.compile(r"^\| (?P<terms>(`\w+` ?)+)\|", re.M)
NAMED = re.compile(r"`(\w+)`")
# Every body has it.
OF_ANY_BODY = {"recording_id"}


def names(body: serializers.Serializer) -> Iterator[str]:
    for name, field in body.fields.items():
        yield name
        inner = getattr(field, "child", field)
        if isinstance(inner, serializers.Serializer):
            yield from names(inner)


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def defined(title: str) -> set[str]:
    """The terms that have a row of their own."""
    return {term for row in ROW.finditer(section(title)) for term in NAMED.findall(row["terms"])}


STATISTICS = set(names(Statistics()))
EVALUATION = set(names(NightEvaluation())) | {field.name for field in fields(Limits)}


@pytest.mark.parametrize(
    ("title", "said"), [("Night statistics", STATISTICS), ("Agreement", EVALUATION - STATISTICS)]
)
def test_every_field_of_the_bodies_is_defined(title: str, said: set[str]) -> None:
    mentioned = set(NAMED.findall(section(title)))

    assert said - mentioned - OF_ANY_BODY == set()


@pytest.mark.parametrize(
    ("title", "said"), [("Night statistics", STATISTICS), ("Agreement", EVALUATION)]
)
def test_what_is_defined_is_still_a_field(title: str, said: set[str]) -> None:
    assert defined(title) - said == set()


def test_every_statistic_has_a_row_of_its_own() -> None:
    inside = {"from", "to", "epochs"}

    assert defined("Night statistics") == STATISTICS - inside


def test_what_scorers_are_compared_by_are_night_statistics() -> None:
    assert set(COMPARED) <= STATISTICS
    assert set(NightEvaluation.example["statistics"]) <= set(COMPARED)
