"""The convolution net: what its graph computes, what it may see, and what its crops are."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.engine import network
from mlops.services import networks
from mlops.simulator.nights import simulate
from mlops.sources import COLUMNS
from mlops.training.convolution import augmentation, graph, weights
from mlops.training.convolution.design import (
    CLOCK,
    MASKS,
    NORMALISATION,
    OWN,
    PLAIN,
    SEEN,
    VALUES,
    WIDTH,
    Augmentation,
    Design,
)
from mlops.training.extra import TrainingExtraMissing
from mlops.training.trainers import TRAINERS
from mlops.training.tuning import UNTUNED, Tuned
from tests.mlops import slow_convolution

SMALL = Design(channels=6, taps=3, dilations=(1, 2, 4, 8), linear_counts=0)
FEATURES = next(simulate([(5, 2)])).features[:200]
COLUMNS_SEEN = PLAIN.of(NORMALISATION.apply(FEATURES), np.arange(200)).astype(np.float32)


def answered(design: Design, members: list[weights.Weights], columns: np.ndarray) -> np.ndarray:
    head = network.load(graph.written(design, members))
    return head.logits(placed(columns), np.zeros((1, 1), np.int64), design.window, columns.shape[1])


def placed(columns: np.ndarray, side: int = 0) -> np.ndarray:
    """The net's own columns where the engine puts them, at one of their two places."""
    found = np.zeros((*columns.shape[:-1], 2 * WIDTH), np.float32)
    found[..., side * WIDTH + OWN] = columns
    return found


@pytest.mark.parametrize("is_causal", [False, True])
def test_the_graph_computes_what_the_slow_net_does(is_causal: bool) -> None:
    design = replace(SMALL, is_causal=is_causal)
    drawn = weights.drawn(design, 3)

    found = answered(design, [drawn], COLUMNS_SEEN[None])

    slow = slow_convolution.logits(drawn, COLUMNS_SEEN, design)
    assert np.abs(found[0] - slow).max() < 1e-5


def test_several_nets_answer_with_their_mean() -> None:
    one, two = weights.drawn(SMALL, 1), weights.drawn(SMALL, 2)

    both = answered(SMALL, [one, two], COLUMNS_SEEN[None])

    alone = [answered(SMALL, [each], COLUMNS_SEEN[None]) for each in (one, two)]
    assert both == pytest.approx(np.mean(alone, axis=0), abs=1e-6)


def test_the_graph_takes_any_batch_and_any_length() -> None:
    drawn = weights.drawn(SMALL, 3)
    batch = np.stack([COLUMNS_SEEN[:50], COLUMNS_SEEN[50:100]])

    together = answered(SMALL, [drawn], batch)

    alone = [answered(SMALL, [drawn], one[None])[0] for one in batch]
    assert together == pytest.approx(np.array(alone), abs=1e-6)
    assert answered(SMALL, [drawn], COLUMNS_SEEN[None, :1]).shape == (1, 1, 4)


def test_the_same_weights_give_the_same_bytes() -> None:
    drawn = weights.drawn(SMALL, 3)

    assert graph.written(SMALL, [drawn]) == graph.written(SMALL, [weights.drawn(SMALL, 3)])
    assert graph.written(SMALL, [drawn]) != graph.written(SMALL, [weights.drawn(SMALL, 4)])


@pytest.mark.parametrize("is_causal", [False, True])
def test_a_net_sees_its_window_and_no_further(is_causal: bool) -> None:
    design = replace(SMALL, is_causal=is_causal)
    drawn, changed = weights.drawn(design, 3), COLUMNS_SEEN.copy()
    changed[100] += 1

    found, other = (answered(design, [drawn], c[None])[0] for c in (COLUMNS_SEEN, changed))

    moved = np.flatnonzero(np.abs(found - other).max(axis=1) > 1e-7)
    assert moved.min() >= 100 - design.window.after
    assert moved.max() <= 100 + design.window.before
    assert len(moved) > design.sees // 2
    assert is_causal == (moved.min() >= 100)


def test_it_is_no_matter_at_which_of_its_places_a_column_stands() -> None:
    head = network.load(graph.written(SMALL, [weights.drawn(SMALL, 3)]))

    one, other = (
        head.logits(placed(COLUMNS_SEEN, side)[None], np.zeros((1, 1)), SMALL.window, 200)
        for side in (0, 1)
    )

    assert np.array_equal(one, other)


def test_each_kind_of_night_has_a_temperature_and_a_shift_of_its_own() -> None:
    drawn, prior = weights.drawn(SMALL, 3), np.array([0.3, 0.5, 0.1, 0.1])
    both = np.stack([placed(COLUMNS_SEEN, side) for side in (0, 1)])
    kinds = Tuned.of(0.5, prior, 0.0), Tuned.of(2.0, prior, 0.5)

    plain, tempered = (
        network.load(graph.written(SMALL, [drawn], tuned)).logits(
            both, np.zeros((1, 1)), SMALL.window, 200
        )
        for tuned in ((UNTUNED, UNTUNED), kinds)
    )

    assert tempered[0] == pytest.approx(plain[0] / 0.5, abs=1e-5)
    assert tempered[1] == pytest.approx(plain[1] / 2.0 + kinds[1].shift, abs=1e-5)


def test_the_linear_model_is_added_to_the_nets() -> None:
    drawn, with_line = weights.drawn(SMALL, 3), replace(SMALL, linear_counts=0.5)
    table = np.random.default_rng(4).standard_normal((2 * WIDTH, 4)).astype(np.float32)

    both = answered(with_line, [drawn | {"linear": table}], COLUMNS_SEEN[None])

    alone = answered(SMALL, [drawn], COLUMNS_SEEN[None])
    line = placed(COLUMNS_SEEN[None]).astype(np.float64) @ table
    assert both == pytest.approx(alone + 0.5 * line, abs=1e-5)


def test_the_net_is_small() -> None:
    assert weights.count(weights.drawn(Design(), 1)) < 43_000


def test_the_columns_named_are_those_that_the_engine_makes() -> None:
    names, shown = PLAIN.names(COLUMNS), SEEN.names(COLUMNS)

    assert tuple(shown[place] for place in OWN) == names
    assert len(shown) == 2 * WIDTH
    assert shown[WIDTH + OWN[0]] == f"{names[0]}_with_vib_move_pct"
    assert [names[place] for place in CLOCK] == ["elapsed"]
    assert [f"{names[value]}_known" for value in VALUES] == [names[mask] for mask in MASKS]


# Crops.


def test_a_worsened_crop_keeps_a_sensor_and_says_what_it_lost() -> None:
    chance = np.random.default_rng(1)
    batch = np.repeat(COLUMNS_SEEN[None], 40, axis=0)
    how = Augmentation(hidden=0.9)

    found = augmentation.worsened(batch, how, chance)

    known = found[..., MASKS] > 0
    assert known.any(axis=(1, 2)).all()
    assert not known.any(axis=1).all()
    assert (found[..., VALUES][~known] == 0).all()
    assert not (known & ~(batch[..., MASKS] > 0)).any()
    assert not np.array_equal(found, batch)


def test_what_makes_no_sense_keeps_its_clock_and_its_gaps_count() -> None:
    drawn = [augmentation.senseless(COLUMNS_SEEN, np.random.default_rng(n)) for n in range(6)]

    for found in drawn:
        assert np.array_equal(found[:, CLOCK], COLUMNS_SEEN[:, CLOCK])
        assert (found[:, MASKS].sum(0) == COLUMNS_SEEN[:, MASKS].sum(0)).all()
        assert not np.array_equal(found[:, VALUES], COLUMNS_SEEN[:, VALUES])


# Without torch.


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is there")
def test_without_the_extra_the_refusal_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(TrainingExtraMissing, match="torch"):
        networks.train_network(
            version="tcn-9",
            family="night",
            seed=1,
            nights=[],
            output=tmp_path / "tcn-9",
            tell=print,
        )


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is there")
def test_a_trainer_of_nets_is_refused_in_the_same_words() -> None:
    with pytest.raises(TrainingExtraMissing, match="torch"):
        TRAINERS["net"]()
