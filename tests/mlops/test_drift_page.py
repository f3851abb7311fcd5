"""The page of a drift report: a verdict first, and never a calm one where nothing can be said."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inference.models import Serving
from mlops.admin import drift_sheets
from mlops.models import DriftRun, Retraining
from noctis.dashboard import queries
from tenants.models import Tenant
from tests.factories import PlatformFactory
from tests.tenants.conftest import _fresh_keys_and_allowances
from tests.tenants.households import as_

__all__ = ["_fresh_keys_and_allowances"]
pytestmark = pytest.mark.django_db
TODAY = timezone.now().date()


def feature(name: str, severity: str, effect: float | None) -> dict[str, Any]:
    numbers = dict.fromkeys(("psi", "psi_training", "z", "ks", "p", "jensen_shannon"), 0.3)
    return {"name": name, "severity": severity, "effect": effect, "missing": [0.1, 0.2], **numbers}


def run_of(tenant: Tenant, severity: str, *rows: dict[str, Any], alarm: bool = False) -> DriftRun:
    return DriftRun.objects.create(
        tenant=tenant,
        model=Serving.objects.get(family="night").version,
        baseline_from=TODAY - timedelta(days=42),
        current_from=TODAY - timedelta(days=14),
        until=TODAY,
        current_nights=12,
        baseline_nights=30,
        severity=severity,
        is_alarm=alarm,
        report={"features": list(rows), "flagged": [], "stage_psi": 0.1},
        seconds=0.1,
    )


@pytest.mark.parametrize(
    ("severity", "rows", "alarm", "verdict"),
    [
        ("insufficient_data", [], False, "Nothing can be said: 12 nights against 30"),
        ("LOW", [feature("hr_mean", "LOW", 0.1)], False, "Nothing has moved that matters: 12"),
        (
            "MEDIUM",
            [feature("rr_mean", "MEDIUM", -0.5), feature("hr_std", "MEDIUM", 0.9)],
            False,
            "hr_std has moved (MEDIUM), up by 0.9 times what nights differ by, and 1 other "
            "feature. One comparison alone may be chance",
        ),
        ("HIGH", [feature("rr_mean", "HIGH", -2.0)], True, "rr_mean has moved (HIGH), down by 2.0"),
        ("MEDIUM", [], True, "The stages or the confidence have moved"),
    ],
)
def test_the_page_opens_with_its_verdict(
    lab: Tenant, severity: str, rows: list[dict[str, Any]], alarm: bool, verdict: str
) -> None:
    run = run_of(lab, severity, *rows, alarm=alarm)
    browser: Client = as_("tenant_viewer", lab)

    page = browser.get(f"/console/mlops/driftrun/{run.pk}/change/").content.decode()

    assert drift_sheets.verdict(run).startswith(verdict)
    assert verdict.split(":")[0] in page
    assert page.index("drift-verdict") < page.index("The comparison")


def test_nobody_retrains_because_of_a_report_that_says_nothing(lab: Tenant) -> None:
    run = run_of(lab, "insufficient_data")
    form = {"pk": run.pk, "recipe": "linear", "family": "night", "reason": "it drifts"}

    answer = as_("platform_admin", PlatformFactory()).post(
        "/console/mlops/driftrun/action/retrain/", form, follow=True
    )

    assert "too few nights to say anything" in answer.content.decode()
    assert not Retraining.objects.exists()


def test_the_worst_feature_stands_first(lab: Tenant) -> None:
    rows = [feature("a", "LOW", 9.0), feature("b", "HIGH", 0.1), feature("c", "MEDIUM", 0.2)]

    assert [row.name for row in drift_sheets.rows(run_of(lab, "HIGH", *rows))] == ["b", "c", "a"]


def test_the_overview_reads_each_tenants_newest_comparison_with_what_serves(lab: Tenant) -> None:
    run_of(lab, "HIGH", alarm=True)
    run_of(lab, "MEDIUM", alarm=True)

    assert queries.staging([lab.pk]).drift == [["MEDIUM", True]]
    assert queries.staging([]).drift == []
