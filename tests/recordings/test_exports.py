"""`manage.py export`: whole, and what came since the last one between steps."""

import gc
import hashlib
import json
import tracemalloc
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.db import connection

from recordings.models import Epoch, ExportMark, Recording
from recordings.services import nights
from tests.factories import TenantFactory
from tests.recordings.increments import (
    failure,
    increment,
    keys,
    manifest_of,
    printed,
    rows_of,
    score,
    stored_keys,
)
from tests.recordings.nights import NAMES, features, night_of
from tests.recordings.test_reads import keep

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording() -> Recording:
    return night_of(TenantFactory(slug="quay"), name="bedside", external_id="=cmd|calc")


# Whole.


def test_all_epochs_go_to_standard_output_as_they_are_stored(recording: Recording) -> None:
    keep(recording, features(50))
    other = night_of(TenantFactory(slug="reef"))
    keep(other, features(3, seed=1), 7)

    rows = rows_of(printed("epochs"))

    assert keys(rows) == stored_keys()
    assert [row["tenant"] for row in rows] == ["quay"] * 50 + ["reef"] * 3
    stored = Epoch.objects.get(recording_id=other.pk, epoch_index=8)
    row = rows[51]
    assert row["epoch_start_ts"] == stored.epoch_start_ts.isoformat().replace("+00:00", "Z")
    assert row["received_at"] == stored.received_at.isoformat().replace("+00:00", "Z")
    assert row["device_id"] == str(other.device.uuid)
    told = [np.float32(row[name] or "nan") for name in NAMES]
    assert np.array_equal(np.array(told), np.array(stored.features, "f4"), equal_nan=True)


def test_ndjson_and_csv_say_the_same(recording: Recording) -> None:
    keep(recording, features(20))

    from_csv = rows_of(printed("epochs"))
    from_json = [json.loads(line) for line in printed("epochs", "--format", "ndjson").splitlines()]

    flat = [row | row.pop("features") for row in from_json]
    assert from_csv == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in flat
    ]


def test_one_tenant_s_export_holds_nothing_of_another(recording: Recording) -> None:
    keep(recording, features(5))
    score(recording, "012")
    night_of(TenantFactory(slug="reef"))

    texts = [printed(kind, "--tenant", "reef") for kind in ("epochs", "labels", "recordings")]

    assert [len(rows_of(text)) for text in texts] == [0, 0, 1]
    assert not any("quay" in text or str(recording.uuid) in text for text in texts)


def test_labels_are_a_row_for_each_version(recording: Recording) -> None:
    score(recording, "012")
    score(recording, "340", scorer="=SUM(A1)")

    rows = rows_of(printed("labels"))

    assert [(r["version"], r["stages"], r["scorer"]) for r in rows] == [
        ("1", "W12", "rater-7"),
        ("2", "3RW", "'=SUM(A1)"),
    ]


def test_recordings_are_a_row_each_and_no_cell_is_a_formula(recording: Recording) -> None:
    keep(recording, features(4))

    (row,) = rows_of(printed("recordings"))

    assert row["recording_id"] == str(recording.uuid)
    assert row["device_external_id"] == "'=cmd|calc"
    assert (row["status"], row["epoch_count"], row["ended_at"]) == ("open", "4", "")


def test_a_manifest_tells_rows_hash_columns_and_schemas(
    recording: Recording, tmp_path: Path
) -> None:
    keep(recording, features(30))
    path = tmp_path / "epochs.csv"

    shown = json.loads(printed("epochs", "--output", path, "--json"))

    manifest = manifest_of(path)
    assert manifest == shown
    assert manifest["rows"] == len(rows_of(path.read_text())) == 30
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["columns"] == path.read_text().splitlines()[0].split(",")
    assert (manifest["schema_versions"], manifest["format"]) == (["noctis_v1"], "csv")
    assert (manifest["incremental"], manifest["from"]) == (False, {"quay": None})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epochs.csv", "epochs.csv.manifest.json"]
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}


def test_a_whole_export_moves_no_mark(recording: Recording, tmp_path: Path) -> None:
    keep(recording, features(3))

    printed("epochs", "--output", tmp_path / "whole.csv")

    assert not ExportMark.objects.exists()
    assert len(increment(tmp_path, "epochs", 1)) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("epochs", "--since-last"), "needs --output"),
        (("epochs", "--tenant", "nowhere"), "no tenant nowhere"),
        (("epochs", "--output", "/nowhere/epochs.csv"), "cannot write"),
    ],
)
def test_a_refusal_is_one_line(words: tuple[str, ...], said: str) -> None:
    assert said in failure(*words)


def test_three_times_the_nights_need_no_more_memory(tmp_path: Path) -> None:
    tenant, matrix = TenantFactory(), features(1_000)

    def peak_with_more(nights_more: int) -> int:
        for _ in range(nights_more):
            keep(night_of(tenant), matrix)
        gc.collect()
        tracemalloc.start()
        printed("epochs", "--output", tmp_path / "epochs.csv")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak_with_more(8)  # two pages: while one is written the next is read
    peaks = [peak_with_more(0), peak_with_more(16)]

    assert peaks[1] < 1.2 * peaks[0]


# Increments.


def test_increments_bring_each_epoch_once_late_ones_included(
    recording: Recording, tmp_path: Path
) -> None:
    matrix = features(60)
    keep(recording, matrix[20:40], 20)
    first = increment(tmp_path, "epochs", 1)
    keep(recording, matrix[:30])
    nights.close_recording(recording=recording, ended_at=None)
    second = increment(tmp_path, "epochs", 2)
    keep(recording, matrix)
    third = increment(tmp_path, "epochs", 3)
    fourth = increment(tmp_path, "epochs", 4)

    assert [len(rows) for rows in (first, second, third, fourth)] == [20, 20, 20, 0]
    assert keys(first + second + third) == stored_keys()


def test_each_manifest_follows_the_one_before(recording: Recording, tmp_path: Path) -> None:
    for number in (1, 2):
        keep(recording, features(5, seed=number), 5 * number)
        increment(tmp_path, "epochs", number)

    first, second = (manifest_of(tmp_path / f"epochs-{number}.csv") for number in (1, 2))
    assert first["from"] == {"quay": None}
    assert second["from"] == {"quay": first["through"]}


def test_tenants_have_increments_of_their_own(recording: Recording, tmp_path: Path) -> None:
    keep(recording, features(2))
    keep(night_of(TenantFactory(slug="reef")), features(3))

    one = increment(tmp_path, "epochs", 1, "--tenant", "reef")
    rest = increment(tmp_path, "epochs", 2)

    assert [row["tenant"] for row in one] == ["reef"] * 3
    assert [row["tenant"] for row in rest] == ["quay"] * 2


def test_increments_of_labels_bring_each_version_once(recording: Recording, tmp_path: Path) -> None:
    score(recording, "01")
    first = increment(tmp_path, "labels", 1)
    score(recording, "01")
    score(recording, "02")
    second = increment(tmp_path, "labels", 2)

    assert [row["version"] for row in first] == ["1"]
    assert [row["version"] for row in second] == ["2"]
    assert increment(tmp_path, "labels", 3) == []


def test_increments_of_recordings_bring_each_change(recording: Recording, tmp_path: Path) -> None:
    states = []
    for number, change in enumerate([lambda: None, lambda: keep(recording, features(2))]):
        change()
        rows = increment(tmp_path, "recordings", number)
        states += [[row["epoch_count"] for row in rows]]
    nights.close_recording(recording=recording, ended_at=None)

    assert states == [["0"], ["2"]]
    assert [row["status"] for row in increment(tmp_path, "recordings", 8)] == ["closed"]
    assert increment(tmp_path, "recordings", 9) == []


def test_a_night_that_is_being_erased_is_in_no_export(recording: Recording) -> None:
    keep(recording, features(2))
    score(recording, "01")
    Recording.objects.update(status="erasing")

    assert [rows_of(printed(kind)) for kind in ("epochs", "labels", "recordings")] == [[]] * 3


def test_an_increment_replaces_no_other_file(recording: Recording, tmp_path: Path) -> None:
    keep(recording, features(2))
    rows = increment(tmp_path, "epochs", 1)

    said = failure("epochs", "--since-last", "--output", tmp_path / "epochs-1.csv")

    assert "is there already" in said
    assert rows_of((tmp_path / "epochs-1.csv").read_text()) == rows


def test_two_increments_are_not_made_at_once(recording: Recording, tmp_path: Path) -> None:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('noctis export epochs', 0))")

        said = failure("epochs", "--since-last", "--output", tmp_path / "epochs.csv")

    assert said.startswith("export_running")
    assert list(tmp_path.iterdir()) == []
