"""`manage.py train`: a whole folder, the same again, refused by name; and the two that ship."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from inference import artifacts
from inference.engine import Night, Window, stage_live, stage_night
from inference.engine.golden import STAGE
from mlops.simulator.tables import FEATURES
from mlops.training import judging, nights, toys

Run = Callable[..., dict[str, object]]
SMALL = ("--simulated-nights", "5", "--held-out", "5", "--json")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_train(version: str, *words: str, folder: str = "models") -> dict[str, object]:
        out = io.StringIO()
        output = tmp_path / folder / version
        fixed = ["--version", version, "--output", str(output), *SMALL]
        call_command("train", *fixed, *words, stdout=out)
        return json.loads(out.getvalue())

    return run_train


@pytest.mark.parametrize("head", ["linear", "clock"])
def test_the_folder_loads_and_stages_both_passes(run: Run, tmp_path: Path, head: str) -> None:
    report = run("toy-1", "--head", head)

    loaded = artifacts.load(tmp_path / "models" / "toy-1", str(report["artifact_hash"]))
    night = nights.simulated(5, 1, seed=9).held_out[0].night
    assert loaded.manifest.passes == ("live", "night")
    assert loaded.manifest.labels == ("W", "Light", "Deep", "REM")
    assert stage_night(loaded.model, night).is_staged.mean() > 0.9
    assert stage_live(loaded.model, night, len(night)).is_staged.mean() > 0.5
    assert loaded.manifest.metadata.drift_reference["nights"] == 4


@pytest.mark.parametrize("head", ["linear", "clock"])
def test_the_same_command_gives_the_same_artifact_hash(run: Run, head: str) -> None:
    one = run("toy-1", "--head", head, folder="one")
    two = run("toy-1", "--head", head, folder="two")
    other = run("toy-1", "--head", head, "--seed", "2", folder="three")

    assert one["artifact_hash"] == two["artifact_hash"] != other["artifact_hash"]


def test_repeating_changes_nothing_and_another_run_never_replaces_it(
    run: Run, tmp_path: Path
) -> None:
    first = run("toy-1", "--head", "clock")
    folder = tmp_path / "models" / "toy-1"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    again = run("toy-1", "--head", "clock")
    with pytest.raises(CommandError, match="artifact_exists"):
        run("toy-1", "--head", "clock", "--seed", "2")

    assert again["artifact_hash"] == first["artifact_hash"]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("version", "words", "message"),
    [
        ("Toy", (), "version is a name"),
        ("reload", (), "version is a name"),
        ("toy-1", ("--simulated-nights", "4"), "from 5 to"),
        ("toy-1", ("--held-out", "0"), "from 5 to"),
        ("toy-1", ("--seed", "-1"), "from 0 to"),
        ("toy-1", ("--head", "forest"), "invalid choice"),
        ("toy-1", ("--output", "elsewhere"), "folder_not_of_version"),
    ],
)
def test_bad_words_are_refused_by_name(
    run: Run, version: str, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run(version, *words)


def test_nothing_is_written_where_the_simulated_nights_are_too_easy(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys, "TOO_EASY", 0.0)

    with pytest.raises(CommandError, match="simulation_too_easy"):
        run("toy-1", "--head", "clock")

    assert not (tmp_path / "models").exists()


def test_a_person_is_told_that_the_figures_say_nothing_about_real_nights(tmp_path: Path) -> None:
    out = io.StringIO()
    words = ["--version", "toy-1", "--output", str(tmp_path / "toy-1"), *SMALL[:-1]]

    call_command("train", *words, "--head", "clock", stdout=out)

    assert "says nothing about real ones" in out.getvalue()
    assert "null: always the commonest" in out.getvalue()


@pytest.mark.parametrize("version", ["null-clock", "linear-0"])
def test_what_ships_says_what_it_is_and_how_to_make_it_again(version: str) -> None:
    loaded = artifacts.load(settings.SHIPPED_MODELS_DIR / version)

    card = loaded.manifest.card
    assert "simulated nights" in card
    assert "Any claim of quality" in card
    assert "null: always the commonest" in card
    assert f"manage.py train --version {version} --head" in card
    assert loaded.manifest.metadata.training.code_revision == toys.REVISION
    assert loaded.manifest.facts["is_experimental"] is True
    assert loaded.model.evidence == toys.EVIDENCE


@pytest.mark.parametrize("version", ["null-clock", "linear-0"])
def test_what_ships_stages_neither_dead_sensors_nor_an_empty_bed(version: str) -> None:
    loaded = artifacts.load(settings.SHIPPED_MODELS_DIR / version)

    for golden in loaded.manifest.metadata.golden:
        assert {*golden.stages[toys.DEAD], *golden.stages[toys.EMPTY]} == {-1}
        assert max(golden.stages) >= 0
    for row in ([79], [79, 0]):
        nobody = np.full((900, len(FEATURES)), np.nan, np.float32)
        nobody[:, [FEATURES.index(name) for name in ("flags", "in_bed_pct")[: len(row)]]] = row
        for stage in STAGE.values():
            assert not stage(loaded.model, Night(nobody)).is_staged.any()


def test_the_shipped_null_is_what_its_command_makes_today(run: Run) -> None:
    shipped = artifacts.load(settings.SHIPPED_MODELS_DIR / "null-clock").manifest
    order = ("--head", "clock", "--simulated-nights", "60", "--held-out", "30", "--seed", "1")

    again = run("null-clock", *order)

    assert again["artifact_hash"] == shipped.artifact_hash, "raise toys.REVISION and train anew"


def test_the_shipped_toy_beats_the_shipped_null_on_nights_that_neither_saw() -> None:
    unseen = nights.simulated(5, 6, seed=77).held_out
    null, toy = (
        artifacts.load(settings.SHIPPED_MODELS_DIR / version).model
        for version in ("null-clock", "linear-0")
    )

    by_clock = judging.judge(null, unseen, "night").kappa
    night = judging.judge(toy, unseen, "night").kappa

    assert toy.window == Window(before=30, after=20, minimum_known=21)
    assert by_clock + 0.15 < night < 0.75
