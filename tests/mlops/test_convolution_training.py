"""Nets are fitted the same twice, and graph and torch agree; only where torch is."""

from dataclasses import replace

import numpy as np
import pytest

from mlops.datasets import LabelledNight
from mlops.simulator.nights import simulate
from mlops.sources import COLUMNS
from mlops.training.convolution import graph, weights
from mlops.training.convolution.design import OWN, WIDTH, Design

torch = pytest.importorskip("torch", reason="the train extra is not installed")
bagging, fitting, network = (
    pytest.importorskip(f"mlops.training.convolution.{name}")
    for name in ("bagging", "fitting", "network")
)
TINY = Design(channels=4, taps=3, dilations=(1, 2, 8), members=2, steps=4, batch=3, crop=60)


def nights(count: int = 4) -> list[LabelledNight]:
    """Of sleepers of one source whose spread of heart rate looks ahead, and of another."""
    made = simulate([(8, place) for place in range(count)])
    return [
        LabelledNight(
            f"s{place}", night.features[:300], night.stages[:300], ("slpdb", "walch")[place % 2]
        )
        for place, night in enumerate(made)
    ]


def test_the_same_seed_gives_the_same_graph_and_another_another() -> None:
    found = [bagging.train(replace(TINY, seed=seed), nights()).onnx for seed in (1, 1, 2)]

    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("is_causal", [False, True])
def test_graph_and_torch_agree_within_a_hundred_thousandth(is_causal: bool) -> None:
    design = replace(Design(), is_causal=is_causal, linear_counts=0)
    drawn, columns = weights.drawn(design, 1), fitting.columns_of(nights(1)[0])[None]
    model = bagging.model_of(design, graph.written(design, [drawn]))
    placed = np.zeros((*columns.shape[:2], 2 * WIDTH), np.float32)
    placed[..., OWN] = columns

    found = model.head.logits(placed, np.zeros((1, 1)), model.window, columns.shape[1])

    tensors = {name: torch.from_numpy(array) for name, array in drawn.items()}
    wanted = network.logits(tensors, torch.from_numpy(columns), design).numpy()
    assert np.abs(found - wanted).max() < 1e-5


def test_a_live_net_is_not_shown_what_looks_ahead() -> None:
    spread = COLUMNS.index("hr_std")
    heart, wrist = nights(2)

    shown = [bagging.as_shown(replace(TINY, is_causal=True), one) for one in (heart, wrist)]

    assert np.array_equal(shown[0].features, heart.features, equal_nan=True)
    assert np.isnan(shown[1].features[:, spread]).all()
    assert bagging.as_shown(TINY, wrist) is wrist
