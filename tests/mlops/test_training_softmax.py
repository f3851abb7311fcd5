"""The softmax regression, the decoder's counts and the temperature, each beside a slow twin."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mlops.training import calibration, decoder, softmax
from mlops.training.softmax import Recipe


def made_up(rows: int = 600, columns: int = 7, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(5)
    values = softmax.grained(source.standard_normal((rows, columns))).astype(np.float64)
    logits = 2 * values @ source.standard_normal((columns, classes)) + [0.0, 1.5, -1.0, 0.3]
    return values, (logits + source.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_the_weights_are_those_that_scikit_learn_finds(balance: float) -> None:
    rows, classes = made_up()
    recipe = Recipe(l2=1e-2, balance=balance, iterations=500, tolerance=1e-8)
    weight = softmax.class_weights(classes, 4, balance)[classes]
    other = LogisticRegression(C=1 / (1e-2 * weight.sum()), tol=1e-10, max_iter=5_000)

    fitted = softmax.fit(rows, classes, 4, recipe)
    other.fit(rows, classes, sample_weight=weight)

    assert fitted.weights == pytest.approx(other.coef_.T, abs=1e-5)
    assert fitted.bias - fitted.bias.mean() == pytest.approx(
        other.intercept_ - other.intercept_.mean(), abs=1e-5
    )


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    rows, classes = made_up(rows=50)
    source = np.random.default_rng(1)
    weights = source.random(50)
    at = source.standard_normal(8 * 4)
    loss = softmax._loss(rows, classes, weights, 0.1, 4)

    value, gradient = loss(at)

    table = at.reshape(8, 4)
    expected = 0.05 * sum(weight**2 for row in table[:-1] for weight in row)
    for row, truth, weight in zip(rows, classes, weights / weights.sum(), strict=True):
        likelihoods = np.exp(row @ table[:-1] + table[-1])
        expected -= weight * np.log(likelihoods[truth] / likelihoods.sum())
    assert value == pytest.approx(expected, abs=1e-6)
    for place in range(len(at)):
        nudge = np.zeros(len(at))
        nudge[place] = 1e-2
        slope = (loss(at + nudge)[0] - loss(at - nudge)[0]) / 2e-2
        assert gradient[place] == pytest.approx(slope, abs=1e-4)


def test_neither_order_nor_pieces_of_the_rows_change_a_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, classes = made_up(rows=20_000)
    order = np.random.default_rng(8).permutation(len(rows))

    one = softmax.fit(rows, classes, 4, Recipe())
    shuffled = softmax.fit(rows[order], classes[order], 4, Recipe())
    monkeypatch.setattr(softmax, "PIECE", 777)
    in_pieces = softmax.fit(rows.astype(np.float32), classes, 4, Recipe())

    assert one.weights.tobytes() == shuffled.weights.tobytes() == in_pieces.weights.tobytes()
    assert one.bias.tobytes() == shuffled.bias.tobytes() == in_pieces.bias.tobytes()
    assert one.loss == shuffled.loss == in_pieces.loss


def test_a_class_that_never_occurs_is_given_little_chance() -> None:
    rows, classes = made_up()

    fitted = softmax.fit(rows, np.minimum(classes, 2), 4, Recipe(balance=1.0))

    assert (fitted.logits(rows).argmax(axis=1) != 3).all()


def test_transitions_are_counted_within_nights_and_not_over_gaps() -> None:
    nights = [np.array([0, 1, 1, -1, 2]), np.array([1, 1])]

    found = decoder.transitions(nights, 3)

    assert found == pytest.approx(np.array([[1, 2, 1], [1, 3, 1], [1, 1, 1]]) / [[4], [5], [3]])
    assert decoder.beginnings(nights, 3) == pytest.approx(np.array([2, 2, 1]) / 5)
    assert decoder.shares(nights, 3) == pytest.approx(np.array([2, 5, 2]) / 9)


@pytest.mark.parametrize("told", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_what_made_logits_too_sure(told: float) -> None:
    source = np.random.default_rng(3)
    honest = source.standard_normal((20_000, 4)) * 1.5
    classes = (honest + source.gumbel(size=honest.shape)).argmax(axis=1)

    found = calibration.temperature(honest * told, classes)

    assert found == pytest.approx(told, rel=0.05)
