"""`GET …/hypnogram` and `…/summary`: the night as staged, in three forms and in numbers."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from inference.models import Hypnogram
from inference.services import staging
from inference.statistics import laid_out, night_statistics
from recordings.models import Recording
from recordings.services import nights
from recordings.stages import SHOWN, shown_places
from tenants.models import Tenant
from tests.calling import Calling, calling_as, codes
from tests.factories import ACTOR, TenantFactory
from tests.inference import edf
from tests.inference.staged import close, closed, opened, send, serve
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
JSON, CSV, EDF = "application/json", "text/csv", "application/edf"
Ask = Callable[..., HttpResponse]


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(timezone="Europe/Berlin")


@pytest.fixture
def reader(tenant: Tenant) -> Calling:
    return calling_as("read", tenant)


@pytest.fixture
def night(tenant: Tenant) -> Recording:
    """Sixty epochs of a night of seventy, ten missing in the middle."""
    serve()
    night = opened(tenant)
    send(night, 30)
    send(night, 30, first=40)
    close(night)
    staging.stage_night(recording_id=night.pk)
    night.refresh_from_db()
    return night


def row_of(night: Recording) -> Hypnogram:
    found: Hypnogram = Hypnogram.objects.of(night).select_related("model").get()
    return found


def names_of(night: Recording) -> list[str | None]:
    """The slow way: one code after the other."""
    places = shown_places(np.array(row_of(night).stages)).tolist()
    return [None if place < 0 else SHOWN[place] for place in places]


def get(caller: Calling, night: Recording, what: str = "hypnogram", **headers: str) -> HttpResponse:
    return caller("GET", f"/v1/recordings/{night.uuid}/{what}", **headers)


def test_a_staged_night_comes_back_with_all_that_is_known(
    reader: Calling, night: Recording
) -> None:
    answer = get(reader, night)

    body, row = answer.json(), row_of(night)
    assert answer.status_code == 200
    assert (body["recording_id"], body["disposition"]) == (str(night.uuid), "staged")
    assert body["stages"] == names_of(night)
    assert None in body["stages"]
    assert [c is None for c in body["confidences"]] == [stage is None for stage in body["stages"]]
    assert body["statistics"] == row.statistics
    assert (body["model_version"], body["revision"]) == ("test-1", 0)
    assert (body["is_up_to_date"], body["timezone"]) == (True, "Europe/Berlin")
    assert body["mean_confidence"] == row.mean_confidence


def test_stages_are_experimental_until_a_model_proves_otherwise(
    reader: Calling, night: Recording
) -> None:
    for what in ("hypnogram", "summary"):
        body = get(reader, night, what).json()
        assert body["is_experimental"] is True
        assert "Experimental" in body["note"]


def test_a_night_that_grew_is_told_to_be_behind(reader: Calling, night: Recording) -> None:
    send(night, 1, first=80)

    assert get(reader, night).json()["is_up_to_date"] is False


def test_the_last_revision_is_the_one_that_is_answered(reader: Calling, night: Recording) -> None:
    serve("test-2", seed=1)
    nights.stage_again(recording=night, actor=ACTOR, reason="another model")
    staging.stage_night(recording_id=night.pk)

    body = get(reader, night).json()

    assert (body["model_version"], body["revision"]) == ("test-2", 1)


@pytest.mark.parametrize("what", ["hypnogram", "summary"])
@pytest.mark.parametrize("status", ["open", "closed"])
def test_a_night_that_was_never_staged_says_so(
    reader: Calling, tenant: Tenant, status: str, what: str
) -> None:
    fresh = opened(tenant) if status == "open" else closed(tenant)

    answer = get(reader, fresh, what)

    assert (answer.status_code, answer.json()["code"]) == (409, "night_not_staged")
    assert int(answer["Retry-After"]) > 0


def test_a_night_that_was_too_short_is_answered_with_its_disposition(
    reader: Calling, tenant: Tenant
) -> None:
    serve()
    short = closed(tenant, count=0)
    staging.stage_night(recording_id=short.pk)

    body, summary = get(reader, short).json(), get(reader, short, "summary").json()["summary"]

    assert (body["disposition"], body["stages"]) == ("not_enough_epochs", [])
    assert (summary["covers"]["epochs"], summary["sleep_efficiency_pct"]) == (0, None)


def test_a_csv_has_the_nights_rows(reader: Calling, night: Recording) -> None:
    answer = get(reader, night, accept=CSV)

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f"{night.uuid}.csv" in answer["Content-Disposition"]
    assert [row["stage"] or None for row in rows] == names_of(night)
    assert {row["timezone"] for row in rows} == {"Europe/Berlin"}


def test_an_edf_is_one_that_another_reader_opens(
    reader: Calling, night: Recording, tmp_path: Path
) -> None:
    answer = get(reader, night, accept=EDF)

    path = tmp_path / "night.edf"
    path.write_bytes(answer.content)
    file = edf.read(path)
    assert answer["Content-Type"] == EDF
    assert sum(file.durations) == 70 * 30
    assert {text.rpartition(" ")[0] for text in file.texts} == {"Sleep stage"}


def test_a_problem_is_json_whatever_was_asked_for(reader: Calling, tenant: Tenant) -> None:
    answer = get(reader, opened(tenant), accept=EDF)

    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")


def test_a_form_that_is_not_offered_is_refused(reader: Calling, night: Recording) -> None:
    answer = get(reader, night, accept="application/pdf")

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


def test_a_summary_of_everything_is_the_nights_statistics(
    reader: Calling, night: Recording
) -> None:
    body = get(reader, night, "summary").json()

    assert body["summary"] == row_of(night).statistics
    assert body["summary"]["unknown_min"] > 0


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [(0, 70, (0, 70)), (10, 50, (10, 50)), (-5, 20, (0, 20)), (60, 500, (60, 70))],
)
def test_a_summary_of_a_range_says_what_it_covers(
    reader: Calling, night: Recording, start: int, end: int, covered: tuple[int, int]
) -> None:
    instants = [night.started_at + timedelta(seconds=30 * place) for place in (start, end)]
    spelt = [at.isoformat().replace("+00:00", "Z") for at in instants]

    body = get(reader, night, f"summary?from={spelt[0]}&to={spelt[1]}").json()

    stages = laid_out(np.array(row_of(night).stages), 0, range(*covered))
    expected = night_statistics(stages, night.started_at, covered[0]).as_json
    assert body["summary"] == expected
    assert body["summary"]["covers"]["epochs"] == covered[1] - covered[0]


def test_a_range_takes_whole_epochs_alone(reader: Calling, night: Recording) -> None:
    start, end = (night.started_at + timedelta(seconds=s) for s in (31, 91))
    query = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"

    covers = get(reader, night, f"summary?{query}").json()["summary"]["covers"]

    second = night.started_at + timedelta(seconds=60)
    assert (covers["from"], covers["epochs"]) == (f"{second:%Y-%m-%dT%H:%M:%SZ}", 2)


def test_a_range_beyond_the_night_covers_nothing(reader: Calling, night: Recording) -> None:
    later = night.started_at + timedelta(hours=20)

    summary = get(reader, night, f"summary?from={later:%Y-%m-%dT%H:%M:%SZ}").json()["summary"]

    assert (summary["covers"]["epochs"], summary["time_in_bed_min"]) == (0, 0)
    assert summary["sleep_onset_latency_min"] is None


def test_a_range_that_is_none_is_refused_with_all_that_is_wrong(
    reader: Calling, night: Recording
) -> None:
    backwards = get(reader, night, "summary?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z")
    unread = get(reader, night, "summary?from=yesterday&to=2026-03-01T00:00:00")
    unknown = get(reader, night, "summary?until=2026-03-01T00:00:00Z")

    assert [answer.status_code for answer in (backwards, unread, unknown)] == [422] * 3
    assert codes(backwards) == {("?to", "out_of_range")}
    assert codes(unread) == {("?from", "bad_instant"), ("?to", "bad_instant")}
    assert codes(unknown) == {("?until", "unknown_parameter")}


@pytest.mark.parametrize("what", ["hypnogram", "summary"])
def test_a_strangers_night_is_not_there(night: Recording, what: str) -> None:
    stranger = calling_as("read", TenantFactory())

    answers = [get(stranger, night, what), stranger("GET", f"/v1/recordings/{uuid4()}/{what}")]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("what", ["hypnogram", "summary"])
def test_a_client_that_only_ingests_may_not_read_stages(
    tenant: Tenant, night: Recording, what: str
) -> None:
    assert get(calling_as("ingest", tenant), night, what).status_code == 403


@pytest.mark.parametrize("what", ["hypnogram", "summary"])
def test_a_long_night_asks_as_little_as_a_short_one(
    reader: Calling, tenant: Tenant, what: str
) -> None:
    serve()
    asked = []
    for count in (5, 960, 960):
        night = closed(tenant, count=count)
        staging.stage_night(recording_id=night.pk)
        with CaptureQueriesContext(connection) as captured:
            assert get(reader, night, what).status_code == 200
        asked.append(len(captured))

    assert asked[1] == asked[2] <= asked[0] <= 6
