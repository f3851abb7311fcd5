"""The text picture of a night: what is drawn where, and what is said of it."""

from noctis.launch import picture

SUMMARY = {
    "total_sleep_time_min": 421.5,
    "time_in_bed_min": 480.0,
    "sleep_efficiency_pct": 87.8,
    "sleep_onset_latency_min": 14.0,
    "wake_after_sleep_onset_min": 31.5,
    "rem_latency_min": None,
    "unknown_min": 0.0,
}


def test_each_stage_has_its_row_and_a_gap_is_in_all_of_them() -> None:
    lines = picture.drawn(["W", "Light", None, "Deep", "REM"])

    assert lines == ["    W █ ·  ", "  REM   · █", "Light  █·  ", " Deep   ·█ "]


def test_a_column_is_the_commonest_stage_of_its_stretch() -> None:
    night = ["W"] * 10 + ["Light"] * 7 + ["W"] * 3

    lines = picture.drawn(night, width=2)

    assert [line[6:] for line in lines] == ["█ ", "  ", " █", "  "]


def test_a_long_night_is_as_wide_as_the_picture() -> None:
    lines = picture.drawn(["Light", "Deep", None] * 400, width=50)

    assert {len(line) for line in lines} == {56}


def test_a_night_without_epochs_is_four_empty_rows() -> None:
    assert [line.strip() for line in picture.drawn([])] == ["W", "REM", "Light", "Deep"]


def test_what_is_not_known_is_not_told() -> None:
    assert picture.told(SUMMARY) == (
        "7 h 01 min asleep of 8 h 00 min in bed, efficiency 88 %, asleep after 14 min, "
        "awake 31.5 min in between"
    )
