"""The night's page and report: what they show of which night, to whom, in how many questions."""

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inference.models import ModelVersion
from inference.services import staging
from inference.terms import STAGE_TERMS, TERMS
from mlops.services import night_views
from mlops.services.evaluation import evaluate_night
from recordings import quality
from recordings.models import Recording
from tenants.models import Tenant
from tests.factories import ModelVersionFactory, RecordingFactory, TenantFactory
from tests.inference import staged
from tests.mlops.staged_nights import FOUR, log, score, stage, version_of
from tests.tenants.households import as_, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
NIGHTS = "/console/recordings/recording/"
GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
STAGES = "WLLDDDLLRR" * 12


def page_of(night: Recording, kind: str = "change") -> str:
    return f"{NIGHTS}{night.uuid}/{kind}/"


@pytest.fixture
def heron() -> Tenant:
    return TenantFactory(slug="heron", name="heron clinic", timezone="Europe/Oslo")


@pytest.fixture
def night(heron: Tenant) -> Recording:
    """An hour by two versions, with the truth, and epochs of which some never came."""
    night = staged.opened(heron)
    staged.send(night, 60)
    staged.send(night, 40, first=80)
    night = staged.close(night)
    log(night, "WLLDDDLLRW" * 12, version_of(FOUR), mark=b"other")
    stage(night, STAGES[:60] + "?" * 20 + STAGES[80:], version_of(FOUR))
    score(night, "WLLDDDLLRR" * 11 + "WWWWWWWWWW")
    Recording.objects.filter(pk=night.pk).update(status="staged")
    night.refresh_from_db()
    return night


@pytest.fixture
def browser(heron: Tenant) -> Client:
    return as_("tenant_viewer", heron)


def test_a_night_shows_its_stages_signals_truth_and_numbers(
    night: Recording, browser: Client
) -> None:
    page = text(browser.get(page_of(night)))

    for title in ("Hypnogram", "Hypnodensity", "Confidence and signals", "Agreement", "Statistics"):
        assert title in page
    for signal in ("Heart rate, bpm", "Respiration, 1/min", "Movement, %", "Presence, % in bed"):
        assert signal in page
    assert page.count("<svg role") == 3
    assert "truth: psg by rater-7" in page
    assert "style=" not in page


def test_agreement_with_the_truth_is_that_of_the_evaluation(
    night: Recording, browser: Client
) -> None:
    evaluated = evaluate_night(recording=night, span=range(120)).report

    page = re.sub(r"\s+", " ", text(browser.get(page_of(night))))

    assert f"<dt>κ</dt> <dd> {evaluated.kappa:.2f} </dd>" in page
    deep = evaluated.by_stage["Deep"]
    assert f'<th scope="row">Deep</th> <td>{deep.f1:.2f}</td>' in page


def test_another_version_is_drawn_over_it_until_it_is_asked_not_to(
    night: Recording, browser: Client
) -> None:
    other = ModelVersion.objects.order_by("pk")[ModelVersion.objects.count() - 2]

    by_itself = text(browser.get(page_of(night)))
    without = text(browser.get(f"{page_of(night)}?against=none"))
    unknown = text(browser.get(f"{page_of(night)}?against=%3Cscript%3E"))

    assert f"dashed: {other.version}, night" in by_itself
    assert "dashed" not in without + unknown
    assert "<script>" not in unknown


def test_a_night_is_walked_through_by_links_alone(night: Recording, browser: Client) -> None:
    before, after = (
        RecordingFactory(device=night.device, started_at=night.started_at + shift)
        for shift in (-timedelta(days=1), timedelta(days=1))
    )
    for shift in (-timedelta(hours=1), timedelta(hours=1)):
        RecordingFactory(device__tenant=night.tenant, started_at=night.started_at + shift)

    page = text(browser.get(f"{page_of(night)}?against=none"))

    assert f'href="{page_of(before)}" rel="prev"' in page
    assert f'href="{page_of(after)}" rel="next"' in page
    assert 'href="?against=none&amp;part=0"' in page


def test_a_window_shows_its_own_epochs_alone(heron: Tenant, browser: Client) -> None:
    night = staged.closed(heron, count=300)
    stage(night, "W" * 240 + "R" * 60, version_of(FOUR))

    whole = text(browser.get(page_of(night)))
    second = text(browser.get(f"{page_of(night)}?part=1"))
    beyond = text(browser.get(f"{page_of(night)}?part=7"))

    assert "<td>REM</td>" in second
    assert "<td>W</td>" not in second
    assert "<td>W</td>" in whole
    assert "<td>W</td>" in beyond


def test_an_empty_night_says_that_there_is_nothing_yet(heron: Tenant, browser: Client) -> None:
    night = RecordingFactory(device__tenant=heron)

    page = text(browser.get(page_of(night)))
    report = browser.get(page_of(night, "report"))

    assert "It is staged within seconds of its closing" in page
    assert "No epoch of this night is stored" in page
    assert "<svg role" not in page
    assert report.status_code == 200


def test_an_open_night_shows_what_was_said_of_it_live(heron: Tenant, browser: Client) -> None:
    staged.serve()
    night = staged.opened(heron)
    staged.send(night, 40)
    staging.stage_live(recording_id=night.pk)

    page = text(browser.get(page_of(night)))

    assert "Stages by test-1, live" in page
    assert "these are its live stages" in page


def test_gaps_are_unknown_and_never_a_stage(night: Recording) -> None:
    view = night_views.look_at_night(recording=night)

    assert view.main is not None
    assert (view.main.stages[60:80] == -1).all()
    assert np.isnan(view.main.confidence[60:80]).all()
    assert (view.quality[60:80] == quality.ABSENT).all()
    assert (view.quality[80:100] >= 0).all()


def test_a_model_that_saw_only_simulated_nights_is_never_called_validated(
    heron: Tenant, browser: Client
) -> None:
    pages = []
    for trained_on in ("simulated", "walch"):
        model = ModelVersionFactory(metadata={"labels": FOUR, "metrics": {trained_on: {}}})
        night = staged.closed(heron, count=10)
        stage(night, STAGES[:10], model)
        pages.append(text(browser.get(page_of(night))))

    toy, real = pages
    assert "validated on nobody" in toy
    assert "validated on wearable" not in toy
    assert "Experimental: validated on wearable and ECG data" in real
    assert all("typically off by ±30" in page for page in pages)


def test_the_report_leads_with_sleep_and_says_how_sure_it_is(
    night: Recording, browser: Client
) -> None:
    page = text(browser.get(page_of(night, "report")))

    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == ["Sleep and its timing", "How sure this is", "The other figures"]
    assert page.index("Total sleep time") < page.index("Sleep efficiency")
    assert "at least; at most 10 min more in the gaps" in page
    assert "Experimental" in page
    assert str(night.uuid) in page


def test_times_are_the_tenants_with_their_zone_and_utc_beside(
    night: Recording, browser: Client
) -> None:
    local = night.started_at.astimezone(ZoneInfo("Europe/Oslo"))

    page = text(browser.get(page_of(night)))

    assert f"{local:%Y-%m-%d %H:%M %Z}" in page
    assert f'title="{night.started_at:%Y-%m-%d %H:%M:%S} UTC"' in page


@pytest.mark.parametrize(
    ("form", "kind"),
    [("csv", "text/csv"), ("edf", "application/edf"), ("json", "application/json")],
)
def test_a_staged_night_is_taken_away_as_a_file(
    form: str, kind: str, night: Recording, browser: Client
) -> None:
    answer = browser.get(f"{NIGHTS}{night.uuid}/hypnogram.{form}")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert f"{night.uuid}.{form}" in answer["Content-Disposition"]
    assert answer.content


def test_a_file_of_no_kind_and_a_night_without_stages_are_refused(
    heron: Tenant, night: Recording, browser: Client
) -> None:
    bare = RecordingFactory(device__tenant=heron)

    unknown = browser.get(f"{NIGHTS}{night.uuid}/hypnogram.exe")
    unstaged = browser.get(f"{NIGHTS}{bare.uuid}/hypnogram.csv")

    assert (unknown.status_code, unstaged.status_code) == (404, 409)


@pytest.mark.parametrize("tail", ["report/", "hypnogram.csv", "hypnogram.json"])
def test_a_strangers_night_is_not_there(tail: str, night: Recording) -> None:
    stranger = as_("tenant_admin", TenantFactory())

    assert stranger.get(f"{NIGHTS}{night.uuid}/{tail}").status_code == 404
    assert stranger.get(f"{NIGHTS}{night.pk}/{tail}").status_code == 404


@pytest.mark.parametrize("tail", ["report/", "hypnogram.csv"])
def test_whoever_is_not_signed_in_is_sent_to_the_door(tail: str, night: Recording) -> None:
    answer = Client().get(f"{NIGHTS}{night.uuid}/{tail}")

    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_a_night_asks_as_many_questions_however_long_and_often_staged(
    night: Recording, browser: Client
) -> None:
    browser.get(page_of(night))
    asked = []

    for more in (0, 5):
        for number in range(more):
            stage(night, "WLDR" * (20 + number), version_of(FOUR))
            score(night, "WLDR" * (20 + number), scorer=f"rater-{number}")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(page_of(night)).status_code == 200
        asked.append(len(captured))

    assert asked[0] == asked[1] <= 22


def test_each_term_means_what_the_glossary_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", GLOSSARY.read_text(), re.MULTILINE)
    told = dict(rows)

    for term in (*TERMS, *STAGE_TERMS):
        assert told[term.name].startswith(term.meaning), term.name


@pytest.mark.parametrize("end", ["report/", "hypnogram.csv", "hypnogram.edf", "hypnogram.json"])
def test_a_night_that_is_being_erased_is_not_handed_out(
    night: Recording, browser: Client, end: str
) -> None:
    Recording.objects.filter(pk=night.pk).update(status="erasing")

    page = text(browser.get(page_of(night)))

    assert browser.get(f"{NIGHTS}{night.uuid}/{end}").status_code == 404
    assert "erasing" in page
    assert "<svg role" not in page
