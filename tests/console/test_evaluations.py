"""The page of an evaluation: the endpoint's numbers, drawn, of the nights that one may read."""

import re
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference.models import ModelVersion
from mlops.services.evaluation_of_all import evaluate_all
from tenants.models import Tenant
from tests.calling import calling_as
from tests.factories import PlatformFactory, RecordingFactory, TenantFactory
from tests.mlops.staged_nights import FOUR, score, stage, version_of
from tests.tenants.households import as_, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_schemas")]
PAIRS = (("WWLLL33RRW", "WLLLL3LRRW"), ("WLL333RRLL", "WWL33LRRLR"), ("LLLLRRRWWW", "LLLLRRLWWL"))
NOTHING = "No night of this range was staged"


@pytest.fixture
def model() -> ModelVersion:
    return version_of(FOUR)


def staged(tenant: Tenant, model: ModelVersion, *subjects: str, days_ago: int = 1) -> None:
    """A scored night of each."""
    for place, subject in enumerate(subjects):
        at = timezone.now() - timedelta(days=days_ago, minutes=place)
        night = RecordingFactory(device__tenant=tenant, started_at=at, subject=subject)
        truth, given = PAIRS[place % len(PAIRS)]
        score(night, truth)
        stage(night, given, model)


def page(browser: Client, model: ModelVersion, query: str = "") -> str:
    answer = browser.get(f"/console/mlops/evaluation/{model.pk}/change/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", text(answer))


@pytest.fixture
def heron() -> Tenant:
    return TenantFactory(slug="heron", name="heron clinic")


@pytest.fixture
def browser(heron: Tenant) -> Client:
    return as_("tenant_viewer", heron)


def test_all_of_it_is_drawn_on_the_server(
    heron: Tenant, model: ModelVersion, browser: Client
) -> None:
    staged(heron, model, "ada", "bea", "ada")

    shown = page(browser, model)

    for title in ("Confusion", "Calibration", "F1 by stage", "κ by subject", "Bland and Altman"):
        assert f"<strong>{title}" in shown
    assert shown.count("<svg role") == 7
    assert "3 nights of 2 sleepers" in shown
    assert "style=" not in shown


def test_the_numbers_are_those_of_the_endpoint(
    heron: Tenant, model: ModelVersion, browser: Client
) -> None:
    staged(heron, model, "ada", "bea", "cem")
    path = f"/v1/model/evaluation/global?model_version={model.version}"
    told = calling_as("read", heron)("GET", path).json()

    shown = page(browser, model)

    low, high = told["intervals"]["kappa"]
    assert f"<dd> {told['kappa']:.2f} <small>95 %: {low:.2f} to {high:.2f}</small>" in shown
    assert f"{told['expected_calibration_error']:.2f} <small>bar: at most 0.05" in shown
    deep, tst = told["by_stage"]["Deep"], told["statistics"]["total_sleep_time_min"]
    assert f'<th scope="row">Deep</th> <td>{deep["f1"]:.2f}</td>' in shown
    assert f"<td>{tst['bias']:+.1f} min</td>" in shown
    assert f"<td>{tst['lower_limit']:+.1f} to {tst['upper_limit']:+.1f} min</td>" in shown


def test_a_subjects_nights_are_taken_together_and_a_devices_where_nobody_is_named(
    heron: Tenant, model: ModelVersion
) -> None:
    staged(heron, model, "ada", "", "ada")
    now = timezone.now()

    found = evaluate_all(
        tenant_ids=[heron.pk], model=model, start=now - timedelta(days=30), end=now
    ).details

    by_name = {sleeper.name: confusion for sleeper, confusion in found.confusions.items()}
    unnamed = next(name for name in by_name if name.startswith("device "))
    assert {name: int(one.sum()) for name, one in by_name.items()} == {"ada": 20, unnamed: 10}
    assert np.shape(found.pairs)[:2] == (3, 2)


def test_nights_of_strangers_are_neither_counted_nor_named(
    heron: Tenant, model: ModelVersion, browser: Client
) -> None:
    staged(heron, model, "ada")
    magpie = TenantFactory(slug="magpie", name="magpie clinic")
    staged(magpie, model, "zoe", "yan")

    own = page(browser, model)
    asked = page(browser, model, "?tenant=magpie")
    everybodys = page(as_("auditor", PlatformFactory()), model)

    assert "1 nights of 1 sleepers" in own
    assert "zoe" not in own + asked
    assert "magpie" not in own + asked
    assert "3 nights of 3 sleepers" in everybodys
    assert "magpie/zoe" in everybodys


def test_a_range_and_a_tenant_are_part_of_the_address(heron: Tenant, model: ModelVersion) -> None:
    staged(heron, model, "ada")
    staged(TenantFactory(slug="magpie"), model, "zoe", days_ago=60)
    browser = as_("auditor", PlatformFactory())

    assert "2 nights of 2 sleepers" in page(browser, model)
    assert "1 nights of 1 sleepers" in page(browser, model, "?days=30")
    assert "1 nights of 1 sleepers" in page(browser, model, "?tenant=heron")
    assert "0 nights of 0 sleepers" in page(browser, model, "?tenant=magpie&days=7")
    assert "2 nights of 2 sleepers" in page(browser, model, "?days=%3Cscript%3E&tenant=nobody")


def test_what_it_asks_does_not_grow_with_nights(
    heron: Tenant, model: ModelVersion, browser: Client
) -> None:
    asked = []
    for people in (("ada",), ("bea", "cem", "dan", "eve", "fay", "gil")):
        staged(heron, model, *people)
        page(browser, model)
        with CaptureQueriesContext(connection) as queries:
            page(browser, model)
        asked.append([query["sql"][:60] for query in queries])

    assert asked[0] == asked[1]
    assert len(asked[0]) <= 12


def test_where_nobody_scored_it_says_so(model: ModelVersion, browser: Client) -> None:
    shown = page(browser, model)

    assert shown.count(NOTHING) == 7
    assert "<svg role" not in shown


def test_the_version_and_the_menu_lead_there_and_it_leads_back(
    model: ModelVersion, browser: Client
) -> None:
    address = f"/console/mlops/evaluation/{model.pk}/change/"

    version = text(browser.get(f"/console/inference/modelversion/{model.pk}/change/"))
    menu = text(browser.get("/console/"))
    listed = text(browser.get("/console/mlops/evaluation/"))

    assert f'href="{address}"' in version
    assert 'href="/console/mlops/evaluation/"' in menu
    assert f'href="{address}' in listed
    assert f"/console/inference/modelversion/?q={model.version}" in page(browser, model)


def test_it_is_marked_as_experimental(model: ModelVersion, browser: Client) -> None:
    shown = page(browser, model)

    assert "Experimental:" in shown
    assert "typically off by ±30" in shown
