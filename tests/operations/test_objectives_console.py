"""The console on objectives: how each stands, how that went, and the banner of a broken one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from noctis.models import Traffic
from operations.models import Objective
from operations.services import objectives
from tests.factories import PlatformFactory
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db
PAGE = "/console/operations/objective/"


def test_an_objective_that_is_missed_and_goes_on_is_a_banner_and_told_with_its_budget() -> None:
    now = timezone.now()
    for minutes_ago in (2, 30):
        at = now.replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
        facts = {"batches": 100, "batches_failed": 3}
        Traffic.objects.create(minutes=Traffic.MINUTE, at=at, **facts)
    objectives.evaluate(at=now)
    browser = as_("operator", PlatformFactory())
    row = Objective.objects.get(name="ingest_failures")

    listed, shown = text(browser.get(PAGE)), text(browser.get(f"{PAGE}{row.pk}/change/"))

    assert "300 % of its budget spent" in listed
    assert "at most 1 % (SLO_INGEST_FAILURE_RATE)" in listed
    assert "nothing happened" in listed
    assert "Error budget spent" in shown
    assert ">300<" in shown
    assert "Broken objectives: ingest_failures." in text(browser.get("/console/"))
