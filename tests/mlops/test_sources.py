"""Other people's recordings read as the device's features, and files refused by name."""

import io
import zipfile
from pathlib import Path

import edfio
import numpy as np
import pytest

from mlops.sources import COLUMNS, FORMATS, SourceUnfit, read_folder
from mlops.sources.beats import Beats, beat_columns, near_neighbours
from recordings.schemas import ACTIVE_VERSION, SHIPPED
from tests.mlops.scored import known, write_slpdb, write_walch

AT = COLUMNS.index


def regular(seconds: float, interval: float) -> Beats:
    times = np.arange(1, int(seconds / interval)) * interval
    return Beats.of(times, np.full(len(times), interval), np.ones(len(times), np.bool_))


def swaying(seconds: int, hertz: float, depth: float = 0.08) -> Beats:
    at, times, intervals = 0.0, [], []
    while at < seconds:
        length = 1.0 + depth * np.sin(2 * np.pi * hertz * at)
        at += length
        times.append(at)
        intervals.append(length)
    return Beats.of(np.array(times), np.array(intervals), np.ones(len(times), np.bool_))


def test_a_steady_heart_has_its_rate_and_no_spread() -> None:
    features = beat_columns(regular(600, 0.8), 20)

    assert features[2:18, AT("hr_mean")] == pytest.approx(75)
    assert features[2:18, AT("hr_std")] == pytest.approx(0, abs=1e-4)
    assert features[2:18, AT("dhr")] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("per_minute", [10, 15, 22])
def test_breathing_is_read_from_how_it_sways_the_beats(per_minute: int) -> None:
    features = beat_columns(swaying(1_200, per_minute / 60), 40)

    middle = slice(3, 37)
    assert features[middle, AT("rr_mean")] == pytest.approx(per_minute, abs=0.5)
    assert features[middle, AT("rr_std")].max() < 4


def test_a_few_bad_beats_change_nothing() -> None:
    times = np.arange(1, 600) * 1.0
    good = np.full(len(times), 1.0)
    bad = good.copy()
    bad[50::70] = 0.45
    is_normal = np.ones(len(times), np.bool_)
    is_normal[100] = False

    clean = beat_columns(Beats.of(times, good, np.ones(len(times), np.bool_)), 20)
    found = beat_columns(Beats.of(times, bad, is_normal), 20)

    assert found[:, AT("hr_mean")] == pytest.approx(clean[:, AT("hr_mean")])
    assert found[:, AT("hr_std")] == pytest.approx(0, abs=1e-4)


def test_neighbours_are_compared_as_a_slow_loop_compares_them() -> None:
    intervals = np.random.default_rng(2).normal(1, 0.12, 200)
    padded = np.concatenate([intervals[5:0:-1], intervals, intervals[-2:-7:-1]])

    found = near_neighbours(intervals)

    for place, value in enumerate(intervals):
        middle = float(np.median(padded[place : place + 11]))
        assert found[place] == (abs(value - middle) <= 0.2 * middle)
    assert not found.all()


def test_where_beats_are_lost_there_is_a_gap() -> None:
    times = np.concatenate([np.arange(1, 300), np.arange(600, 900)]).astype(float)
    beats = Beats.of(times, np.ones(len(times)), np.ones(len(times), np.bool_))

    features = beat_columns(beats, 30)

    assert np.isnan(features[11:19]).all()
    assert np.isfinite(features[[3, 25], AT("hr_mean")]).all()


def test_a_record_of_beats_has_heart_and_breathing_and_nothing_else(tmp_path: Path) -> None:
    nights = read_folder("slpdb", write_slpdb(tmp_path, 2, epochs=60))

    assert [night.subject for night in nights] == ["ecg0", "ecg1"]
    assert known(nights[0].features) == {"hr_mean", "hr_std", "dhr", "rr_mean", "rr_std", "drr"}
    assert len(nights[0].codes) == len(nights[0]) == 60
    assert set(nights[0].codes.tolist()) <= {0, 2, 3, 4}


def test_a_wrist_has_movement_and_a_spread_and_nothing_else(tmp_path: Path) -> None:
    (night,) = read_folder("walch", write_walch(tmp_path, 1, epochs=60))

    assert known(night.features) == {"hr_std", "vib_move_pct"}
    moved = np.unique(night.features[:, AT("vib_move_pct")])
    assert moved == pytest.approx([0, 100 * 40 / 60])


def test_no_value_is_outside_of_the_schema(tmp_path: Path) -> None:
    write_slpdb(tmp_path / "slpdb", 1, epochs=60)
    write_walch(tmp_path / "walch", 1, epochs=60)

    for format_ in ("slpdb", "walch"):
        (night,) = read_folder(format_, tmp_path / format_)
        for place, feature in enumerate(SHIPPED[ACTIVE_VERSION]):
            values = night.features[:, place]
            values = values[np.isfinite(values)]
            assert (values >= feature.minimum).all()
            assert (values <= feature.maximum).all()


def test_a_sheet_keeps_subject_stages_and_gaps(tmp_path: Path) -> None:
    head = ["recording_started_at", "epoch_index", *COLUMNS, "stage", "subject"]
    values = ["60" if name == "hr_mean" else "5" for name in COLUMNS]
    rows = [
        ["2026-03-01T22:00:00Z", str(index), *values, stage, "sleeper-1"]
        for index, stage in ((0, "W"), (2, "N2"))
    ]
    text = "\n".join(",".join(row) for row in (head, *rows))
    (tmp_path / "nights.csv").write_text(text + "\n")

    (night,) = read_folder("csv", tmp_path)

    assert (night.subject, night.codes.tolist()) == ("sleeper-1", [0, -1, 2])
    assert np.isnan(night.features[1]).all()
    assert (night.features[[0, 2]] == np.array(values, np.float32)).all()


@pytest.mark.parametrize("change", ["stage", "subject"])
def test_a_sheet_without_stages_or_subjects_is_refused(tmp_path: Path, change: str) -> None:
    head = ["recording_started_at", "epoch_index", *COLUMNS, "stage", "subject"]
    row = ["2026-03-01T22:00:00Z", "0", *["1"] * len(COLUMNS), "W", "sleeper-1"]
    place = head.index(change)
    lines = [line[:place] + line[place + 1 :] for line in (head, row)]
    (tmp_path / "nights.csv").write_text("\n".join(",".join(line) for line in lines))

    with pytest.raises(SourceUnfit, match=r"nights\.csv"):
        read_folder("csv", tmp_path)


def broken(path: Path, **changes: np.ndarray | None) -> None:
    with np.load(path) as archive:
        arrays = dict(archive) | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stage": None}, "lacks stage"),
        ({"stage": np.full(60, 9, np.int8)}, "a stage that is none"),
        ({"stage": np.zeros(59, np.int8)}, "not of one length"),
        ({"activity_count": np.full(60, -1.0)}, "below 0"),
        ({"subject": np.array({"a": 1}, dtype=object)}, "subject is not plain"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_by_name(
    tmp_path: Path, changes: dict[str, np.ndarray], named: str
) -> None:
    write_walch(tmp_path, 1, epochs=60)
    broken(tmp_path / "wrist0.npz", **changes)

    with pytest.raises(SourceUnfit, match=rf"wrist0\.npz.*{named}"):
        read_folder("walch", tmp_path)


def test_an_empty_folder_and_none_are_refused(tmp_path: Path) -> None:
    for format_ in FORMATS:
        with pytest.raises(SourceUnfit, match="holds no file"):
            read_folder(format_, tmp_path)
    with pytest.raises(SourceUnfit, match="no folder"):
        read_folder("walch", tmp_path / "none")


def write_edf(path: Path, *, patient: str = "sleeper-1", label: str = "ECG II") -> None:
    """Five minutes of a heart at 75 bpm, sampled at 100 Hz, with two scored stretches."""
    at = np.arange(30_000) / 100
    beat = np.exp(-(((at % 0.8) - 0.4) ** 2) / (2 * 0.012**2))
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(at))
    signal = edfio.EdfSignal(beat + noise, 100, label=label, physical_dimension="mV")
    notes = [
        edfio.EdfAnnotation(30, 60, "Sleep stage 2"),
        edfio.EdfAnnotation(90, 30, "Sleep stage R"),
        edfio.EdfAnnotation(120, None, "Lights off"),
    ]
    patient_ = edfio.Patient(code=patient)
    edfio.Edf([signal], annotations=notes, patient=patient_).write(path)


def test_an_ecg_gives_beats_and_its_annotations_stages(tmp_path: Path) -> None:
    write_edf(tmp_path / "night.edf")

    (night,) = read_folder("edf", tmp_path)

    assert night.subject == "sleeper-1"
    assert night.codes.tolist() == [-1, 2, 2, 4, -1, -1, -1, -1, -1, -1]
    assert night.features[1:9, AT("hr_mean")] == pytest.approx(75, abs=0.5)


@pytest.mark.parametrize(
    ("changes", "named"), [({"patient": "X"}, "patient code"), ({"label": "EEG"}, "no ECG")]
)
def test_a_recording_without_a_person_or_a_heart_is_refused(
    tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    write_edf(tmp_path / "night.edf", **changes)

    with pytest.raises(SourceUnfit, match=named):
        read_folder("edf", tmp_path)


def promising(shape: tuple[int, ...]) -> bytes:
    """A header of an array that is not behind it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def zipped(member: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("activity_count", "hr_variability", "stage", "subject"):
            archive.writestr(f"{name}.npy", member)
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04 and then nothing",
        zipped(b""),
        zipped(b"\x93NUMPY\x01\x00"),
        zipped(b"\x93NUMPY\x07\x00 of a version that is not"),
        zipped(promising((8,))),
        zipped(promising((1 << 40,))),
        zipped(bytes(64 * 1024 * 1024)),
        zipped(promising((1,)) + bytes(8))[:-40],
    ],
    ids=["empty", "cut", "nothing", "half", "later", "lying", "huge", "blown up", "no directory"],
)
def test_a_file_that_is_no_archive_of_arrays_is_refused_by_name(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "wrist.npz").write_bytes(raw)

    with pytest.raises(SourceUnfit, match=r"wrist\.npz"):
        read_folder("walch", tmp_path)
