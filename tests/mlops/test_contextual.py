"""The rows of the contextual linear model, its two kinds of nights, and what tunes its decoder."""

from pathlib import Path

import numpy as np
import pytest

from inference.engine import Night, stage_live, stage_night
from mlops.datasets import LabelledNight, labelled
from mlops.sources import COLUMNS, read_folder
from mlops.training import contextual, contextual_fit, tuning
from mlops.training.contextual import MOVEMENT, Design, Prepared
from mlops.training.softmax import Recipe, softmax
from tests.mlops.scored import write_slpdb, write_walch

DESIGN = Design(recipes=(Recipe(l2=0.05, iterations=10, tolerance=1e-3),) * 2)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledNight]:
    root: Path = tmp_path_factory.mktemp("nights")
    hearts = read_folder("slpdb", write_slpdb(root / "slpdb", 5, epochs=80))
    wrists = read_folder("walch", write_walch(root / "walch", 5, epochs=80))
    return labelled([*hearts, *wrists])


def test_each_data_set_counts_the_same(nights: list[LabelledNight]) -> None:
    few = [*nights[:2], *nights[5:]]
    rows = Prepared(DESIGN).rows_of(few)

    half = rows.values.shape[1] // 2
    of_wrists = rows.values[:, half + DESIGN.always] > 0
    assert rows.counts[of_wrists].sum() == pytest.approx(rows.counts[~of_wrists].sum())


def test_a_row_is_of_one_kind_of_night_alone(nights: list[LabelledNight]) -> None:
    rows = Prepared(DESIGN).rows_of(nights)

    half = rows.values.shape[1] // 2
    without, with_movement = (rows.values[:, part] for part in (slice(half), slice(half, None)))
    assert not (without.any(axis=1) & with_movement.any(axis=1)).any()
    assert (rows.values[:, [DESIGN.always, half + DESIGN.always]].sum(axis=1) == 1).all()


def test_rows_are_made_once_for_a_night(nights: list[LabelledNight]) -> None:
    prepared = Prepared(DESIGN)

    one, two = prepared.rows_of(nights[:3]), prepared.rows_of(nights[:3])

    assert one.values.tobytes() == two.values.tobytes()
    assert len(prepared._made) == 3


def test_what_a_kind_of_night_never_showed_has_no_weight(nights: list[LabelledNight]) -> None:
    head = contextual_fit.fitted(Prepared(DESIGN), nights)

    names = DESIGN.columns.names(DESIGN.features)
    for name, weights in zip(names, head.weights, strict=True):
        if name.endswith(f"_with_{MOVEMENT}") and name.startswith(("hr_mean", "rr_")):
            assert not weights.any(), name
        if not name.endswith(f"_with_{MOVEMENT}") and name.startswith(MOVEMENT):
            assert not weights.any(), name
    assert head.weights.any()


def test_one_kind_of_night_alone_trains_a_model_for_both(nights: list[LabelledNight]) -> None:
    model = contextual_fit.train(Prepared(DESIGN), nights[:5])

    staged = stage_night(model, Night(nights[7].features))

    assert staged.is_staged.all()


def test_the_model_stages_both_passes(nights: list[LabelledNight]) -> None:
    model = contextual_fit.train(Prepared(DESIGN), nights)
    noise = np.full((200, len(COLUMNS)), np.nan, np.float32)
    noise[:, COLUMNS.index("hr_mean")] = np.random.default_rng(1).uniform(40, 90, 200)

    night, live = stage_night(model, Night(noise)), stage_live(model, Night(noise), 50)

    assert night.is_staged.all()
    assert live.is_staged.all()
    assert np.isfinite(night.probabilities).all()


def test_the_prior_lies_between_those_that_agree_best(nights: list[LabelledNight]) -> None:
    unseen = contextual_fit._unseen(Prepared(DESIGN), nights[:5])
    shown = [softmax(one.logits) for one in unseen]

    found = tuning.best_prior(unseen, 1.0, 0.35)

    ranked = sorted(tuning.PRIORS, key=lambda one: -tuning.worth(unseen, shown, one, 0.35))
    best = np.array(ranked[: tuning.BEST])
    assert found.sum() == pytest.approx(1)
    relative = found / found[1]
    assert (relative >= (best / best[:, 1:2]).min(axis=0) - 1e-9).all()
    assert (relative <= (best / best[:, 1:2]).max(axis=0) + 1e-9).all()


def test_what_is_taken_out_of_the_shown_is_not_divided_out_again() -> None:
    prior = np.array([0.3, 0.5, 0.1, 0.1])
    logits = np.random.default_rng(1).standard_normal((50, 4))

    plain, half = (tuning.Tuned.of(1.3, prior, out) for out in (0.0, 0.5))

    told = [np.log(one.shown(logits)) - np.log(one.prior) for one in (plain, half)]
    apart = told[0] - told[1]
    assert np.abs(apart - apart.mean(axis=1, keepdims=True)).max() < 1e-9
    assert (half.shown(logits)[:, 2] > plain.shown(logits)[:, 2]).all()


def test_shuffled_nights_are_shown_as_of_no_stage(nights: list[LabelledNight]) -> None:
    rows = contextual._senseless(DESIGN, nights[0])

    told = rows.values.reshape(-1, 4, rows.values.shape[1])
    assert len(told) > 3
    assert (told == told[:, :1]).all()
    assert rows.classes.reshape(-1, 4).tolist() == [[0, 1, 2, 3]] * len(told)
    assert rows.counts.sum() == pytest.approx(DESIGN.senseless_counts * len(told))
