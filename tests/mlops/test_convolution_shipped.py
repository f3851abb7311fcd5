"""The nets that ship: whole, small, and honest where they know little."""

import json
from functools import cache

import numpy as np
import pytest
from django.conf import settings

from inference.artifacts import Loaded, LocalStore, loaded
from inference.engine import Model, Night, Pass
from inference.engine.golden import STAGE
from mlops.simulator.nights import simulate
from mlops.sources import COLUMNS

VERSIONS: dict[str, Pass] = {"tcn-1": "night", "tcn-1-live": "live"}
LARGEST_BYTES = 800_000
# A model that knows nothing but how common stages are would say a little more of the commonest.
LOW_CONFIDENCE = 0.5
HEART = ("hr_mean", "hr_std", "dhr")
RADAR = (*HEART, "rr_mean", "rr_std", "drr", "large_move_pct", "minor_move_pct", "turnovers_delta")
MOVEMENT = ("large_move_pct", "minor_move_pct", "turnovers_delta", "vib_move_pct")
every_version = pytest.mark.parametrize(("version", "family"), VERSIONS.items())


@cache
def shipped(version: str) -> Loaded:
    """Loading runs the golden vectors."""
    return loaded(LocalStore(settings.SHIPPED_MODELS_DIR).read(version))


@cache
def simulated() -> np.ndarray:
    features = next(simulate([(31, 5)])).features
    features.setflags(write=False)
    return features


def without(names: tuple[str, ...]) -> np.ndarray:
    features = simulated().copy()
    features[:, [COLUMNS.index(name) for name in names]] = np.nan
    return features


def staged(model: Model, family: Pass, features: np.ndarray) -> tuple[float, float]:
    """The share of epochs that were given a stage, and the mean confidence in them."""
    # The last two hundred are as good as all, and live takes a while for each.
    found = STAGE[family](model, Night(features[-400:]))
    return float(found.is_staged.mean()), float(np.nanmean(found.confidence))


@every_version
def test_it_is_whole_small_and_for_its_pass_alone(version: str, family: Pass) -> None:
    manifest = shipped(version).manifest

    assert manifest.passes == (family,)
    assert manifest.metadata.is_experimental
    assert sum(entry.size for entry in manifest.metadata.files.values()) < LARGEST_BYTES
    assert "validated on wearable and ECG data" in manifest.card
    assert all(source.licence for source in manifest.metadata.training.data)


@every_version
def test_the_calibration_error_on_people_never_seen_is_small(version: str, family: Pass) -> None:
    figures = shipped(version).manifest.metadata.metrics["leave_subjects_out"]

    assert figures
    for source, found in figures.items():
        assert found["expected_calibration_error"] <= 0.05, source


def test_the_live_twin_claims_nothing_of_a_column_that_looks_ahead() -> None:
    figures = shipped("tcn-1-live").manifest.metadata.metrics["leave_subjects_out"]

    assert set(figures) == {"slpdb"}


@every_version
def test_nobody_of_the_data_is_named(version: str, family: Pass) -> None:
    facts = json.dumps(shipped(version).manifest.facts)

    assert "slp01" not in facts
    assert "1360686" not in facts


@every_version
@pytest.mark.parametrize("missing", [MOVEMENT, HEART], ids=["no movement", "no heart"])
def test_a_night_that_lacks_a_sensor_is_staged_and_hardly_surer(
    version: str, family: Pass, missing: tuple[str, ...]
) -> None:
    """Nights without movement have linear weights of their own, of another set of sleepers."""
    model = shipped(version).model

    _, sure = staged(model, family, simulated())
    coverage, less_sure = staged(model, family, without(missing))

    assert coverage > 0.8
    assert 0.3 < less_sure <= sure + 0.15


@pytest.mark.parametrize(("version", "family"), [*VERSIONS.items(), ("linear-1", "night")])
def test_of_pure_noise_it_is_not_sure(version: str, family: Pass) -> None:
    chance = np.random.default_rng(1)
    features = simulated().copy()
    known = np.isfinite(features)
    shuffled = chance.permuted(np.where(known, features, np.nanmedian(features, axis=0)), axis=0)

    coverage, sure = staged(shipped(version).model, family, shuffled.astype(np.float32))

    assert coverage > 0.5
    assert sure < LOW_CONFIDENCE
