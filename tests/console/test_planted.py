"""The canaries themselves: every model that a tenant can own has one in every text."""

import pytest

from tests.console.planted import SPARED, Planted, marked_fields, owned_models

pytestmark = pytest.mark.django_db


def test_every_model_that_a_tenant_owns_is_planted(heron: Planted) -> None:
    missing = {model.__name__ for model in owned_models()} - {m.__name__ for m in heron.rows}

    assert not missing, f"build a row of each in tests/console/planted.py: {sorted(missing)}"


def test_every_text_of_a_planted_row_names_its_tenant(heron: Planted, magpie: Planted) -> None:
    for planted in (heron, magpie):
        for model, row in planted.rows.items():
            for field in marked_fields(model):
                assert planted.name in str(getattr(row, field.name)), (model, field.name)

    assert {"timezone", "passes"} == SPARED
