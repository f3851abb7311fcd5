"""`manage.py import epochs`: works, repeated, refused whole with its lines, rehearsed."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from recordings.models import Epoch, LabelSet, Recording
from recordings.services import nights
from recordings.services.nights import Night
from tenants.models import Tenant
from tests.factories import TenantFactory
from tests.recordings.nights import NAMES, device_of, features, stored
from tests.recordings.test_reads import keep

pytestmark = pytest.mark.django_db
START = timezone.now().replace(microsecond=0) - timedelta(days=3)
Row = dict[str, object]
Run = Callable[..., dict[str, object]]


@pytest.fixture
def tenant() -> Tenant:
    tenant = TenantFactory(slug="quay", timezone="Europe/Oslo")
    device_of(tenant, external_id="bed-7")
    return tenant


@pytest.fixture
def run(tenant: Tenant, tmp_path: Path) -> Run:
    """Import rows, or the text of a file, and give the report."""

    def run_import(content: object, *words: str) -> dict[str, object]:
        path = tmp_path / "nights.csv"
        path.write_bytes(content if isinstance(content, bytes) else as_csv(content).encode())
        out = io.StringIO()
        fixed = ["--csv", str(path), "--tenant", "quay", "--device", "bed-7", "--json"]
        call_command("import", "epochs", *fixed, *words, stdout=out, stderr=io.StringIO())
        return json.loads(out.getvalue())

    return run_import


def as_csv(rows: Iterable[Row]) -> str:
    rows, out = list(rows), io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def sheet(count: int, start: datetime = START, seed: int = 0, **more: object) -> list[Row]:
    """Rows of one night; a gap is an empty cell."""
    matrix = features(count, seed)
    return [
        {"recording_started_at": start.isoformat(), "epoch_index": index}
        | {
            name: "" if np.isnan(value) else str(value)
            for name, value in zip(NAMES, row, strict=True)
        }
        | more
        for index, row in enumerate(matrix)
    ]


def refusal(run: Run, content: object, *words: str) -> str:
    with pytest.raises(CommandError) as failed:
        run(content, *words)
    return str(failed.value)


def test_a_file_s_nights_are_stored_and_closed(run: Run) -> None:
    later = START + timedelta(days=1)

    report = run([*sheet(50), *sheet(20, later, seed=1)])

    first, second = Recording.objects.order_by("started_at")
    assert report == {
        "dry_run": False,
        "nights": 2,
        "nights_opened": 2,
        "epochs": 70,
        "inserted": 70,
        "duplicates": 0,
        "label_versions": 0,
    }
    canonical = features(50)
    canonical[np.isnan(canonical)] = np.nan
    assert stored(first) == {i: row.astype("<f4").tobytes() for i, row in enumerate(canonical)}
    assert (first.status, second.status) == ("closed", "closed")
    assert second.ended_at == later + timedelta(seconds=600)
    assert first.timezone == "Europe/Oslo"


def test_importing_again_changes_nothing(run: Run) -> None:
    rows = sheet(40, stage="N2")
    run(rows, "--labels", "psg:rater-7")
    before = everything()

    again = run(rows, "--labels", "psg:rater-7")

    assert (again["inserted"], again["duplicates"], again["label_versions"]) == (0, 40, 0)
    assert everything() == before


def test_a_rehearsal_reports_and_writes_nothing(run: Run) -> None:
    report = run(sheet(30, stage="W"), "--labels", "human:rater-7", "--dry-run")

    assert (report["dry_run"], report["inserted"], report["label_versions"]) == (True, 30, 1)
    assert not any(model.objects.exists() for model in (Recording, Epoch, LabelSet))


def test_stages_subjects_and_zones_are_kept(run: Run) -> None:
    rows = sheet(3, subject="s-042")
    for row, stage in zip(rows, ["W", "", "rem"], strict=True):
        row["stage"] = stage

    run(rows, "--labels", "psg:rater-7", "--timezone", "Asia/Tokyo")

    labels = LabelSet.objects.get()
    assert (labels.scorer, labels.source, labels.stages) == ("rater-7", "psg", [0, -1, 4])
    assert Recording.objects.get().subject == "s-042"
    assert Recording.objects.get().timezone == "Asia/Tokyo"


def test_columns_and_lines_may_be_in_any_order_and_start_with_a_mark(run: Run) -> None:
    rows = [dict(reversed(row.items())) for row in reversed(sheet(10))]

    report = run(b"\xef\xbb\xbf" + as_csv(rows).encode())

    assert report["inserted"] == 10
    assert stored(Recording.objects.get())[0] == _bytes(features(10)[0])


def test_the_same_instant_in_another_offset_is_the_same_night(run: Run) -> None:
    rows = sheet(4)
    rows[2]["recording_started_at"] = START.isoformat().replace("+00:00", "Z")

    assert run(rows)["nights"] == 1


def test_a_night_that_is_there_is_added_to_and_left_as_it_is(run: Run, tenant: Tenant) -> None:
    device = tenant_device(tenant)
    recording = nights.open_recording(device=device, night=Night(START))
    keep(recording, features(50)[:10])

    report = run(sheet(50))

    recording.refresh_from_db()
    assert (report["inserted"], report["duplicates"], report["nights_opened"]) == (40, 10, 0)
    assert recording.status == "open"


def everything() -> list[object]:
    (recording,) = Recording.objects.all()
    received = list(Epoch.objects.values_list("epoch_index", "received_at"))
    return [stored(recording), received, list(LabelSet.objects.values())]


def changed(**cells: object) -> list[Row]:
    """Five good rows but for the third, which is line 4."""
    rows = sheet(5, subject="s-1", stage="W")
    rows[2] |= cells
    return rows


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"hr_mean": "fast"}, "line 4 hr_mean: expected a number"),
        ({"hr_mean": "nan"}, "line 4 hr_mean: expected a number"),
        ({"hr_mean": "1_0"}, "line 4 hr_mean: expected a number"),
        ({"hr_mean": "inf"}, "line 4 hr_mean: expected a number"),
        ({"hr_mean": "1e999"}, "line 4 hr_mean: at least 20"),
        ({"hr_mean": "19.9"}, "line 4 hr_mean: at least 20"),
        ({"flags": "128"}, "line 4 flags: at least 0"),
        ({"epoch_index": "-1"}, "line 4 epoch_index"),
        ({"epoch_index": "2880"}, "line 4 epoch_index"),
        ({"epoch_index": "1.5"}, "line 4 epoch_index"),
        ({"epoch_index": ""}, "line 4 epoch_index"),
        ({"epoch_index": "0"}, "line 4 epoch_index: as in line 2"),
        ({"recording_started_at": "2026-03-01T21:00:00"}, "line 4 recording_started_at"),
        ({"recording_started_at": "yesterday"}, "line 4 recording_started_at"),
        ({"recording_started_at": "2001-03-01T21:00:00Z"}, "past_retention: line 4"),
        ({"stage": "N9"}, "line 4 stage"),
        ({"subject": "Ada Byron"}, "line 4 subject: a pseudonym"),
        ({"subject": "s-2"}, "line 4 subject: another one"),
    ],
)
def test_a_bad_line_is_named_and_the_file_refused_whole(run: Run, cells: Row, said: str) -> None:
    assert said in refusal(run, changed(**cells), "--labels", "psg:rater-7")
    assert not any(model.objects.exists() for model in (Recording, Epoch, LabelSet))


def test_all_bad_lines_are_named_up_to_fifty(run: Run) -> None:
    rows = [row | {"hr_mean": "x"} for row in sheet(60)]

    said = refusal(run, rows)

    assert said.count("hr_mean: expected a number") == 50
    assert "line 2 hr_mean" in said
    assert "line 51 hr_mean" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1 recording_started_at: this column is missing"),
        (as_csv(sheet(1)).splitlines()[0].encode(), "no epochs"),
        (b"\xff\xfe", "is not UTF-8"),
        (as_csv(sheet(2)).replace("hr_mean", "pulse").encode(), "line 1 pulse"),
        (as_csv(sheet(2)).replace("hr_std", "hr_mean").encode(), "line 1 hr_mean: each column"),
        (as_csv(sheet(2)).encode() + b"2026,1\r\n", "line 4: expected 17 cells, got 2"),
        (as_csv(sheet(2)).encode() + b'"x"y\r\n', "line 4"),
    ],
)
def test_what_is_no_such_table_is_refused(run: Run, content: bytes, said: str) -> None:
    assert said in refusal(run, content)
    assert not Recording.objects.exists()


def test_other_values_for_stored_epochs_are_named_by_line_and_nothing_is_added(run: Run) -> None:
    rows = sheet(10)
    run(rows[:5])
    later = sheet(5, START + timedelta(days=1))
    changed_rows = [row | {"hr_mean": "61.5"} if i in (1, 3) else row for i, row in enumerate(rows)]

    said = refusal(run, [*later, *changed_rows])

    assert said == (
        "epoch_conflict: line 8: stored with other values; line 10: stored with other values"
    )
    assert (Recording.objects.count(), Epoch.objects.count()) == (1, 5)


def test_another_subject_s_night_is_refused(run: Run) -> None:
    run(sheet(3, subject="s-1"))

    assert "line 2: the recording that starts then" in refusal(run, sheet(4, subject="s-2"))
    assert Epoch.objects.count() == 3


@pytest.mark.parametrize(
    ("more", "words"),
    [({"stage": "W"}, []), ({}, ["--labels", "psg:rater-7"])],
)
def test_a_stage_column_and_its_scorer_come_together(run: Run, more: Row, words: list[str]) -> None:
    assert "come together" in refusal(run, sheet(3, **more), *words)


@pytest.mark.parametrize(
    "words",
    [
        ["--labels", "guess:rater-7"],
        ["--labels", "psg:Ada Byron"],
        ["--timezone", "Oslo"],
        ["--tenant", "nowhere"],
        ["--device", "bed-8"],
        ["--csv", "/nowhere.csv"],
    ],
)
def test_a_wrong_option_is_one_line(run: Run, words: list[str]) -> None:
    assert "\n" not in refusal(run, sheet(2), *words)
    assert not Recording.objects.exists()


def test_another_tenant_s_device_is_not_found(run: Run) -> None:
    device_of(TenantFactory(), external_id="bed-9")

    assert "device_not_found" in refusal(run, sheet(2), "--device", "bed-9")


def tenant_device(tenant: Tenant) -> object:
    return nights.Device.objects.get(tenant=tenant)


def _bytes(row: np.ndarray) -> bytes:
    return np.where(np.isnan(row), np.float32(np.nan), row).astype("<f4").tobytes()
