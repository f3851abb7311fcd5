"""A night's files: CSV that a spreadsheet may open, EDF+ that another reader understands."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference import sheets
from inference.sheets import Sheet
from recordings.stages import SHOWN
from tests.inference import edf
from tests.inference.edf import Edf

WAKE, LIGHT, DEEP, REM, GAP = 0, 1, 2, 3, -1
STAGES = [GAP, WAKE, WAKE, LIGHT, LIGHT, LIGHT, DEEP, GAP, REM, REM, WAKE]
BERLIN = "Europe/Berlin"
# At 3:00 summer time the clocks go back to 2:00.
CLOCKS_GO_BACK = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def sheet(night: list[int] = STAGES, **other: Any) -> Sheet:
    stages = np.array(night, np.int8)
    confidences = np.linspace(0.5, 0.9, len(night), dtype=np.float32)
    confidences[stages == GAP] = np.nan
    made = Sheet(
        recording_id="c0a1f7de-5b1d-4a53-8f3c-9c2f6d7e8a90",
        subject="P-0042",
        started_at=datetime(2026, 3, 1, 20, 30, tzinfo=UTC),
        timezone=BERLIN,
        model_version="linear-0",
        is_experimental=True,
        disposition="staged",
        stages=stages,
        confidences=confidences,
    )
    return replace(made, **other)


def rows(made: Sheet) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheets.csv(made))))


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Another library's reader of EDF+."""

    def opened(made: Sheet) -> Edf:
        path = tmp_path / "night.edf"
        path.write_bytes(sheets.edf(made))
        return edf.read(path)

    return opened


def epochs_of(file: Edf) -> list[str]:
    """One text an epoch, the slow way: half a minute after the other."""
    end = round(file.onsets[-1] + file.durations[-1])
    found = []
    for second in range(0, end, 30):
        found += [
            text
            for onset, duration, text in zip(file.onsets, file.durations, file.texts, strict=True)
            if onset <= second + 15 < onset + duration
        ]
    return found


def test_a_csv_has_a_row_for_every_epoch_and_nothing_in_a_gap() -> None:
    found = rows(sheet())

    assert [int(row["epoch_index"]) for row in found] == list(range(len(STAGES)))
    assert [row["stage"] for row in found] == ["" if s == GAP else SHOWN[s] for s in STAGES]
    assert [row["confidence"] == "" for row in found] == [stage == GAP for stage in STAGES]
    assert found[1]["confidence"] == "0.54"
    assert {row["model_version"] for row in found} == {"linear-0"}
    assert {row["is_experimental"] for row in found} == {"true"}


def test_a_csv_tells_utc_and_the_sleepers_clock() -> None:
    first, second = rows(sheet())[:2]

    assert (first["start_utc"], second["start_utc"]) == (
        "2026-03-01T20:30:00Z",
        "2026-03-01T20:30:30Z",
    )
    assert (first["start_local"], first["timezone"]) == ("2026-03-01T21:30:00+01:00", BERLIN)


def test_a_night_in_which_the_clocks_change_keeps_its_order_in_a_csv() -> None:
    found = rows(sheet([LIGHT] * 240, started_at=CLOCKS_GO_BACK))

    local = [datetime.fromisoformat(row["start_local"]) for row in found]
    steps = {b - a for a, b in pairwise(local)}
    assert steps == {timedelta(seconds=30)}
    assert (found[0]["start_local"], found[60]["start_local"]) == (
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
    )


def test_a_subject_that_a_spreadsheet_would_compute_is_text() -> None:
    found = rows(sheet(subject="-2"))

    assert {row["subject"] for row in found} == {"'-2"}


def test_a_night_without_epochs_is_a_header() -> None:
    assert sheets.csv(sheet([])) == ",".join(sheets.COLUMNS) + "\n"


def test_another_reader_finds_every_epochs_stage_in_the_edf(read: Any) -> None:
    file = read(sheet())

    spelt = {GAP: "?", WAKE: "W", LIGHT: "N1+N2", DEEP: "N3", REM: "R"}
    assert epochs_of(file) == [f"Sleep stage {spelt[stage]}" for stage in STAGES]
    assert file.signals == 0


def test_an_edf_begins_by_the_sleepers_clock(read: Any) -> None:
    file = read(sheet())

    assert file.started_at == datetime(2026, 3, 1, 21, 30)  # noqa: DTZ001 - as EDF has it
    assert file.patient == "P-0042"
    assert file.equipment == "noctis:linear-0"
    assert file.additional == "experimental"


def test_a_night_in_which_the_clocks_change_is_as_long_as_it_was_in_an_edf(read: Any) -> None:
    file = read(sheet([LIGHT] * 240, started_at=CLOCKS_GO_BACK))

    assert file.started_at == datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - as EDF has it
    assert (file.onsets, file.durations) == ([0], [240 * 30])


def test_a_start_between_two_seconds_is_in_the_onsets(read: Any) -> None:
    at = datetime(2026, 3, 1, 20, 30, 0, 250_000, tzinfo=UTC)

    file = read(sheet(started_at=at))

    assert file.started_at == datetime(2026, 3, 1, 21, 30)  # noqa: DTZ001 - as EDF has it
    assert file.onsets[:2] == [0.25, 30.25]


def test_a_night_without_epochs_or_subject_is_an_edf_that_knows_no_stage(read: Any) -> None:
    file = read(sheet([], subject="", is_experimental=False))

    assert (file.onsets, file.durations, file.texts) == ([0], [0], ["Sleep stage ?"])
    assert file.patient == ""
    assert file.additional == ""


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_what_a_slow_walk_finds(seed: int) -> None:
    night = np.random.default_rng(seed).integers(-1, 4, 50, np.int8)
    slow: list[tuple[int, int, int]] = []
    for index, stage in enumerate(night.tolist()):
        if slow and slow[-1][2] == stage:
            first, count, _ = slow[-1]
            slow[-1] = (first, count + 1, stage)
        else:
            slow.append((index, 1, stage))

    assert list(sheets.runs(night)) == slow


@pytest.mark.parametrize("is_experimental", [False, True])
@pytest.mark.parametrize("disposition", ["staged", "implausible"])
def test_the_longest_names_fit_an_edfs_header(
    read: Any, is_experimental: bool, disposition: str
) -> None:
    longest = {"subject": "P" * 64, "model_version": "m" * 64}

    file = read(sheet(**longest, is_experimental=is_experimental, disposition=disposition))

    words = ["experimental"] * is_experimental + ["implausible"] * (disposition != "staged")
    assert file.patient == "P" * 64
    assert file.equipment.startswith("noctis:" + "m" * 20)
    assert file.additional == " ".join(words)
    assert len(f"Startdate 01-MAR-2026 X X {file.equipment} {file.additional}".rstrip()) == 78


def test_a_files_name_is_the_local_evening() -> None:
    after_midnight = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)

    assert sheet(started_at=after_midnight).name.startswith("hypnogram-2026-03-01-c0a1f7de")
