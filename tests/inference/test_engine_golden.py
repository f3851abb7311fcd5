"""The self-test of a model: its own answers, within a millionth, or it does not serve."""

from dataclasses import replace

import numpy as np
import pytest

from inference.engine import GoldenMismatch, Linear, Model, Pass, golden
from tests.inference.engine_models import chain, linear, night

PASSES: tuple[Pass, ...] = ("live", "night")
MODEL = linear(decoder=chain(1), history=4)


def vectors_of(model: Model) -> list[golden.Golden]:
    return [golden.record(model, night(40, 3, seed=3), pass_) for pass_ in PASSES]


def test_a_model_answers_its_own_golden_vectors() -> None:
    golden.check(MODEL, vectors_of(MODEL))


@pytest.mark.parametrize("pass_", PASSES)
def test_one_weight_that_is_off_is_found(pass_: Pass) -> None:
    weights = MODEL.head.weights.copy()
    weights[7, 2] += 0.001
    vectors = [golden.record(MODEL, night(40, 3, seed=3), pass_)]

    with pytest.raises(GoldenMismatch, match="other probabilities"):
        golden.check(replace(MODEL, head=Linear(weights, MODEL.head.bias)), vectors)


@pytest.mark.parametrize("by", [5e-7, -5e-7])
def test_a_millionth_is_allowed(by: float) -> None:
    (one, two) = vectors_of(MODEL)

    golden.check(MODEL, [replace(one, probabilities=one.probabilities + np.float32(by)), two])


@pytest.mark.parametrize("by", [2e-6, -2e-6])
def test_more_than_a_millionth_is_not(by: float) -> None:
    (one, two) = vectors_of(MODEL)

    with pytest.raises(GoldenMismatch, match="Golden vector 0"):
        golden.check(MODEL, [replace(one, probabilities=one.probabilities + np.float32(by)), two])


def test_another_decoder_is_found() -> None:
    vectors = vectors_of(MODEL)

    with pytest.raises(GoldenMismatch, match="other stages"):
        golden.check(replace(MODEL, decoder=chain(2)), vectors)


@pytest.mark.parametrize("minimum_known", [3, 4])
def test_a_stage_that_is_there_or_not_is_found(minimum_known: int) -> None:
    window = replace(MODEL.window, minimum_known=minimum_known)

    with pytest.raises(GoldenMismatch, match="other probabilities"):
        golden.check(replace(MODEL, window=window), vectors_of(MODEL))


def test_a_vector_of_another_length_is_found() -> None:
    (one, two) = vectors_of(MODEL)

    with pytest.raises(GoldenMismatch, match="Golden vector 1"):
        golden.check(MODEL, [one, replace(two, probabilities=two.probabilities[:-1])])


def test_nothing_recorded_proves_nothing() -> None:
    unknown = night(3, 3, seed=1).features * np.float32(np.nan)
    blank = golden.record(MODEL, replace(night(3, 3, seed=1), features=unknown), "night")

    for vectors in ([], [blank]):
        with pytest.raises(GoldenMismatch, match="nothing is proven"):
            golden.check(MODEL, vectors)
