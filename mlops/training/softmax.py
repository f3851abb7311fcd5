"""Multinomial logistic regression: a convex loss, all rows at once, the same answer every time.

Sums over rows and columns are of multiples of a grain and so exact: neither the number of
processors nor the order of the rows changes a bit of what is found."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Loss = Callable[[Doubles], tuple[float, Doubles]]
# 53 bits hold a million products of a value below 16, and an error or weight below 8.
VALUE_GRAIN, GRAIN = 2.0**-7, 2.0**-22
# Rows go through in pieces, as doubles only while they are looked at.
PIECE = 4_096
REMEMBERED = 12
SHORTEST_STEP = 1e-6


@dataclass(frozen=True)
class Recipe:
    """`l2` is the penalty on the weights against the mean loss of a row; the bias has none.

    `balance` from 0 to 1 is how far rare classes are made up for by weight.
    """

    l2: float = 1e-3
    balance: float = 0.0
    iterations: int = 120
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Softmax:
    weights: Doubles  # (columns, classes)
    bias: Doubles  # (classes,)
    loss: float
    iterations: int

    def logits(self, rows: NDArray[np.floating]) -> Doubles:
        """(rows, columns) -> (rows, classes)."""
        return np.asarray(rows @ self.weights + self.bias, np.float64)


def fit(
    rows: NDArray[np.floating],
    classes: NDArray[np.integer],
    count: int,
    recipe: Recipe,
    importance: Doubles | None = None,
) -> Softmax:
    """(rows, columns) as `grained`, (rows,) each below `count`, (rows,) about 1 or none."""
    weights = class_weights(classes, count, recipe.balance)[classes]
    if importance is not None:
        weights = _rounded(weights * importance, GRAIN)
    loss = _loss(rows, classes, weights, recipe.l2, count)
    start = np.zeros((rows.shape[1] + 1) * count)
    at, value, iterations = minimum(loss, start, recipe)
    table = at.reshape(-1, count)
    # Only differences of logits mean anything: their mean over the classes is made zero.
    table = _rounded(table - table.mean(axis=1, keepdims=True), GRAIN)
    return Softmax(table[:-1], table[-1], value, iterations)


def grained(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rounded so that sums of them are exact; a hundredth of a spread says nothing anyway."""
    return np.asarray(_rounded(values, VALUE_GRAIN), np.float32)


def _rounded(values: NDArray[np.floating], grain: float) -> Doubles:
    return np.asarray(np.rint(values / grain) * grain, np.float64)


def _dot(one: Doubles, other: Doubles) -> float:
    """Summed by numpy, for a library's order of summing depends on the processor."""
    return float(np.sum(one * other))


def class_weights(classes: NDArray[np.integer], count: int, balance: float) -> Doubles:
    """(rows,) -> (count,): one where nothing is balanced, else more for what is rare."""
    shares = np.bincount(classes, minlength=count) / len(classes)
    return np.where(shares > 0, np.maximum(shares, 1e-12) ** -balance, 0.0)


def _loss(
    rows: NDArray[np.floating],
    classes: NDArray[np.integer],
    weights: Doubles,
    l2: float,
    count: int,
) -> Loss:
    """The weighted mean of -log p plus the penalty, and its gradient, both of flat parameters."""
    pieces = [slice(i, i + PIECE) for i in range(0, len(rows), PIECE)]
    total = float(np.sum(weights))

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        table = flat.reshape(-1, count)
        value, gradient = 0.0, np.zeros_like(table)
        for piece in pieces:
            part, truth, weight = rows[piece].astype(np.float64), classes[piece], weights[piece]
            logs = log_softmax(part @ table[:-1] + table[-1])
            at_truth = (np.arange(len(truth)), truth)
            value -= float(np.sum(_rounded(weight * logs[at_truth], GRAIN)))
            error = np.exp(logs)
            error[at_truth] -= 1
            error = _rounded(error * weight[:, None], GRAIN)
            gradient[:-1] += part.T @ error
            gradient[-1] += error.sum(axis=0)
        gradient /= total
        gradient[:-1] += l2 * table[:-1]
        return value / total + 0.5 * l2 * _dot(table[:-1], table[:-1]), gradient.ravel()

    return loss


def log_softmax(logits: Doubles) -> Doubles:
    """(..., classes)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(logits: Doubles) -> Doubles:
    """(..., classes)."""
    return np.asarray(np.exp(log_softmax(logits)))


def minimum(loss: Loss, start: Doubles, recipe: Recipe) -> tuple[Doubles, float, int]:
    """Where a smooth convex loss is least (L-BFGS), its value there, and the steps it took."""
    at, (value, gradient) = start, loss(start)
    past: deque[tuple[Doubles, Doubles]] = deque(maxlen=REMEMBERED)
    for iteration in range(recipe.iterations):
        if np.abs(gradient).max() <= recipe.tolerance:
            return at, value, iteration
        direction = -_scaled(gradient, past)
        slope = _dot(gradient, direction)
        step = 1.0 if past else 1 / max(1.0, float(np.abs(gradient).sum()))
        there = _rounded(at + step * direction, GRAIN)
        reached = loss(there)
        while reached[0] > value + 1e-4 * step * slope and step > SHORTEST_STEP:
            step /= 2
            there = _rounded(at + step * direction, GRAIN)
            reached = loss(there)
        if step <= SHORTEST_STEP:
            return at, value, iteration
        moved, turned = there - at, reached[1] - gradient
        if _dot(moved, turned) > 0:
            past.append((moved, turned))
        at, (value, gradient) = there, reached
    return at, value, recipe.iterations


def _scaled(gradient: Doubles, past: deque[tuple[Doubles, Doubles]]) -> Doubles:
    """The gradient times the inverse curvature, as far as past steps have shown it."""
    direction, shares = gradient.copy(), []
    for moved, turned in reversed(past):
        share = _dot(moved, direction) / _dot(moved, turned)
        direction -= share * turned
        shares.append(share)
    if past:
        moved, turned = past[-1]
        direction *= _dot(moved, turned) / _dot(turned, turned)
    for (moved, turned), share in zip(past, reversed(shares), strict=True):
        direction += (share - _dot(turned, direction) / _dot(moved, turned)) * moved
    return direction
