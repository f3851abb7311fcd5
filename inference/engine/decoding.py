"""From probabilities of single epochs to a plausible night: a first-order chain of stages."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Doubles, Ints

# Nothing is impossible, only this unlikely: the chain never runs dry.
LEAST = 1e-12
# Scores are whole numbers of this fraction of a nat. Their sums are exact in whatever order they
# are taken, so that a tree of them finds the same path as a loop, ties included.
GRAIN = 2.0**-20
# Beliefs less than this apart are equal.
EQUAL = 1e-9
RESCALED_EVERY = 8
RESCALED_LEVELS = 3  # of a tree: as many steps
FEW = 4
# Up to so many steps, few operations on more numbers are faster than more on fewer.
SHORT = 100
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Chain:
    """`prior`, where given, is what the head's training had: it is divided out of its answers.

    `prior_apart` is that of the nights that the model's columns tell apart from others."""

    transitions: Doubles  # (labels from, labels to)
    initial: Doubles  # (labels,)
    prior: Doubles | None = None  # (labels,)
    prior_apart: Doubles | None = None  # (labels,)

    def decode(self, probabilities: Doubles, known: Bools, apart: Bools | None = None) -> Ints:
        """(epochs, labels), (epochs,), () -> (epochs,): the likeliest night as a whole (Viterbi).

        Through an unknown epoch the chain goes on by itself. Of equal paths, the earlier label.
        """
        if len(probabilities) == 0:
            return np.zeros(0, dtype=np.int64)
        emissions = np.ascontiguousarray(self.emissions(probabilities, known, apart).T)
        steps = self._onwards + emissions[:, 1:]
        best = _best_until(self._beginning + emissions[:, 0], steps)
        came_from = (best[:, None, :-1] + self._onwards).argmax(axis=0)
        return _walk_back(came_from.astype(np.uint8), int(best[:, -1].argmax()))

    def emissions(
        self, probabilities: Doubles, known: Bools, apart: Bools | None = None
    ) -> Doubles:
        """(..., epochs, labels), (..., epochs), (...) -> (..., epochs, labels) scores; 0 all over
        where nothing is known."""
        found = scores(probabilities)
        if self.prior is not None:
            found = found - self._priors(apart)
        return np.where(known[..., None], found, 0.0)

    @cached_property
    def _onwards(self) -> Doubles:
        """(labels from, labels to, 1) scores."""
        return scores(self.transitions)[:, :, None]

    @cached_property
    def _beginning(self) -> Doubles:
        """(labels,) scores."""
        return scores(self.initial)

    def _priors(self, apart: Bools | None) -> Doubles:
        """(...) -> (..., 1, labels) scores, or (labels,)."""
        common, of_apart = self._prior_scores
        if of_apart is None or apart is None:
            return common
        return np.where(apart[..., None, None], of_apart, common)

    @cached_property
    def _prior_scores(self) -> tuple[Doubles, Doubles | None]:
        apart = None if self.prior_apart is None else scores(self.prior_apart)
        return scores(np.asarray(self.prior)), apart

    @cached_property
    def _forwards(self) -> tuple[Doubles, Doubles]:
        """(labels, 1) at first, (labels to, labels from) from then on; nothing is impossible."""
        onwards = np.maximum(self.transitions, LEAST).T.copy()
        return np.maximum(self.initial, LEAST)[:, None], onwards

    def filter(
        self,
        probabilities: Doubles,
        known: Bools,
        apart: Bools | None = None,
        before: int = 0,
    ) -> Ints:
        """(batch, epochs, labels), (batch, epochs), (batch,) -> (batch,): the last epoch's, from
        its past, `before` which so many epochs were that nobody knows."""
        emissions = self.emissions(probabilities, known, apart)
        relative = (emissions - emissions.max(axis=-1, keepdims=True)) * GRAIN
        likelihoods = np.ascontiguousarray(np.exp(relative).transpose(1, 2, 0))
        _, onwards = self._forwards
        belief = self._after(before) * likelihoods[0]
        # Many chains go best side by side, a step at a time; one alone as a tree of its steps.
        forward = _forward if belief.shape[1] > FEW else _forward_as_tree
        belief = forward(belief, onwards, likelihoods[1:])
        # A product of matrices rounds as it likes; what is equal but for that is equal.
        return np.asarray(np.rint(belief / belief.max(axis=0) / EQUAL).argmax(axis=0))

    def _after(self, epochs: int) -> Doubles:
        """(labels, 1): what to believe when so many have gone by of which nothing is known."""
        beliefs = self._beliefs
        if (found := beliefs.get(epochs)) is None:
            first, onwards = self._forwards
            found = beliefs[epochs] = np.asarray(np.linalg.matrix_power(onwards, epochs) @ first)
        return found

    @cached_property
    def _beliefs(self) -> dict[int, Doubles]:
        """As many as a history is long."""
        return {}

    def check(self, labels: int) -> None:
        """Refuse, as ModelUnfit, a chain of other labels, or of no probabilities."""
        rows = {"transitions": self.transitions, "initial": self.initial}
        if self.prior is not None:
            rows["prior"] = self.prior
        if self.prior_apart is not None:
            rows["prior_apart"] = self.prior_apart
        for name, given in rows.items():
            shape = (labels, labels) if name == "transitions" else (labels,)
            if given.shape != shape:
                raise ModelUnfit(f"The decoder's {name} are {given.shape}, not {shape}.")
            if not (given >= 0).all() or abs(given.sum(axis=-1) - 1).max() > TOLERANCE:
                raise ModelUnfit(f"The decoder's {name} do not sum to 1.")
        # Dividing by next to nothing would outweigh whatever an epoch says.
        priors = [prior for prior in (self.prior, self.prior_apart) if prior is not None]
        if any((prior <= LEAST).any() for prior in priors):
            raise ModelUnfit(f"The decoder's prior has a share of {LEAST} or less.")
        if self.prior is None and self.prior_apart is not None:
            raise ModelUnfit("The decoder has a prior of nights told apart, and none of others.")


def _forward(belief: Doubles, onwards: Doubles, likelihoods: Doubles) -> Doubles:
    """(labels, batch), (to, from), (steps, labels, batch) -> (labels, batch), up to a factor."""
    for place, likelihood in enumerate(likelihoods, start=1):
        belief = onwards @ belief
        belief *= likelihood
        if place % RESCALED_EVERY == 0:
            belief /= belief.max(axis=0)
    return belief


def _forward_as_tree(belief: Doubles, onwards: Doubles, likelihoods: Doubles) -> Doubles:
    """The same: neighbouring steps are multiplied until one is left."""
    steps = np.ascontiguousarray(likelihoods.transpose(0, 2, 1))[..., None] * onwards
    level = 0
    while len(steps) > 1:
        level += 1
        even = len(steps) // 2 * 2
        joined = steps[1:even:2] @ steps[:even:2]
        if level % RESCALED_LEVELS == 0:
            joined /= joined.max(axis=(-1, -2), keepdims=True)
        steps = joined if even == len(steps) else np.concatenate([joined, steps[even:]])
    return np.asarray((steps[0] @ belief.T[..., None])[..., 0].T if len(steps) else belief)


def scores(probabilities: NDArray[np.floating]) -> Doubles:
    """The logarithms in whole grains."""
    return np.asarray(np.rint(np.log(np.maximum(probabilities, LEAST)) / GRAIN))


def _best_until(first: Doubles, steps: Doubles) -> Doubles:
    """(labels,), (from, to, steps) -> (labels, steps + 1): the best path's score into each label.

    Halves the steps by joining neighbours, finds every second epoch that way, and the epochs
    between by one step: as many operations as a loop over the epochs, in its logarithm of calls.
    """
    count = steps.shape[2]
    best = np.empty((len(first), count + 1))
    best[:, 0] = first
    if count:
        even = count // 2 * 2
        if even:
            best[:, : even + 1 : 2] = _best_until(
                first, _joined(steps[:, :, :even:2], steps[:, :, 1:even:2])
            )
        best[:, 1::2] = _one_step(best[:, :count:2], steps[:, :, ::2])
    return best


def _joined(one: Doubles, two: Doubles) -> Doubles:
    """Two steps as one, (from, to, steps) each: the best by way of any label."""
    if one.shape[2] <= SHORT:
        return np.asarray((one[:, :, None] + two).max(axis=1))
    best = one[:, 0, None] + two[0]
    room = np.empty_like(best)
    for via in range(1, len(two)):
        np.add(one[:, via, None], two[via], out=room)
        np.maximum(best, room, out=best)
    return np.asarray(best)


def _one_step(best: Doubles, steps: Doubles) -> Doubles:
    return np.asarray((best[:, None] + steps).max(axis=0))


def _walk_back(came_from: NDArray[np.uint8], last: int) -> Ints:
    """(labels, steps) -> (steps + 1,), ending in `last`."""
    labels = len(came_from)
    # A look-up of one byte an epoch: 36 us a night, less than any way of doing it in numpy.
    table = np.ascontiguousarray(came_from.T).tobytes()
    path = bytearray((last,))
    for row in range(len(table) - labels, -1, -labels):
        last = table[row + last]
        path.append(last)
    return np.frombuffer(path, np.uint8)[::-1].astype(np.int64)
