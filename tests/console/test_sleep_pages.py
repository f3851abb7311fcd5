"""The pages of labels, hypnograms and model versions: drawn, and with every number beside."""

import pytest
from django.urls import reverse

from inference.models import ModelVersion
from recordings.models import LabelSet, Recording
from tests.factories import ModelVersionFactory, PlatformFactory, RecordingFactory, TenantFactory
from tests.inference import staged
from tests.mlops.staged_nights import FOUR, score, stage, version_of
from tests.tenants.households import as_, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
STAGES = ("W", "Light", "Deep", "REM")
JUDGED = {
    "nights": 30,
    "accuracy": 0.75,
    "balanced_accuracy": 0.73,
    "kappa": 0.61,
    "kappa_interval": [0.56, 0.65],
    "macro_f1": 0.73,
    "expected_calibration_error": 0.03,
    "coverage": 0.91,
    "confusion": [[8, 1, 0, 1], [1, 7, 1, 1], [0, 2, 8, 0], [1, 1, 0, 8]],
    "by_stage": {
        name: {"precision": 0.8, "recall": 0.7, "f1": 0.74, "support": 1000 + place}
        for place, name in enumerate(STAGES)
    },
    "calibration": [
        {"above": 0.5, "up_to": 0.6, "epochs": 9, "mean_confidence": 0.55, "share_right": 0.5}
    ],
}


def page(row: object, role: str = "tenant_viewer") -> str:
    tenant = getattr(row, "tenant", None) or PlatformFactory()
    browser = as_(role, tenant)
    kind = f"{row._meta.app_label}_{row._meta.model_name}"
    answer = browser.get(reverse(f"admin:{kind}_change", args=[row.pk]))
    assert answer.status_code == 200
    return text(answer)


def version(metrics: object, **more: object) -> ModelVersion:
    return ModelVersionFactory(metadata={"labels": FOUR, "metrics": metrics, **more})


def test_labels_are_drawn_on_the_nights_own_clock() -> None:
    night = RecordingFactory(device__tenant=TenantFactory(timezone="Europe/Oslo"))
    score(night, "WWLLDDRR?L")

    shown = page(LabelSet.objects.get())

    assert "Stages by psg by rater-7" in shown
    assert "charts.css" in shown
    assert "<td>unknown</td>" in shown
    assert "WWLL33RR?L" in shown


def test_labels_are_found_by_their_nights_id_and_by_their_scorer() -> None:
    # Names with letters that no hash in a static file's address has.
    tenant = TenantFactory()
    first, second = (RecordingFactory(device__tenant=tenant) for _ in range(2))
    score(first, "WW", scorer="rater-u")
    score(second, "LL", scorer="rater-v")
    browser, labels = as_("tenant_viewer", tenant), reverse("admin:recordings_labelset_changelist")

    by_night = text(browser.get(f"{labels}?q={first.uuid}"))
    by_scorer = text(browser.get(f"{labels}?q=rater-v"))

    assert "rater-u" in by_night
    assert "rater-v" not in by_night
    assert "rater-u" not in by_scorer


def test_a_hypnogram_is_drawn_from_its_recordings_first_epoch_on() -> None:
    night: Recording = staged.closed(count=10)
    row = stage(night, "??LLDDRRWW", version_of(FOUR))

    shown = page(row)

    assert "<svg role" in shown
    assert "style=" not in shown


def test_a_version_shows_what_was_measured_of_it_with_the_nulls_beside() -> None:
    null = JUDGED | {"kappa": 0.0, "kappa_interval": [0.0, 0.0]}
    row = version({"walch": {"null: clock": null, "this model, night": JUDGED}})

    shown = page(row, "model_manager")

    assert shown.index("this model, night") < shown.index("null: clock")
    assert "0.61 (0.56 to 0.65)" in shown
    assert "Confusion: this model, night, walch nights" in shown
    assert "Calibration: this model, night, walch nights" in shown
    assert "1,003" in shown
    assert "style=" not in shown


@pytest.mark.parametrize("metrics", [{}, {"kappa": {"value": 0.5}}, {"walch": {}}, {"a": [1, 2]}])
def test_figures_of_any_shape_are_shown_as_they_are(metrics: object) -> None:
    shown = page(version(metrics), "model_manager")

    assert all(name in shown for name in metrics)


def test_a_version_names_its_files_with_their_hashes() -> None:
    files = {"weights.npy": {"size": 14000, "sha256": "5e29" * 16}}

    shown = page(version({}, files=files), "model_manager")

    assert "14,000" in shown
    assert "5e29" * 16 in shown
