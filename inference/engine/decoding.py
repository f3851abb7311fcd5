"""From probabilities of single epochs to a plausible night: a first-order chain of stages."""

from dataclasses import dataclass

from inference.engine.nights import Bools, Doubles, Ints


@dataclass(frozen=True)
class Chain:
    """`prior`, where given, is what the head's training had: it is divided out of its answers."""

    transitions: Doubles  # (labels from, labels to)
    initial: Doubles  # (labels,)
    prior: Doubles | None = None  # (labels,)

    def decode(self, probabilities: Doubles, known: Bools) -> Ints:
        """(epochs, labels), (epochs,) -> (epochs,): the likeliest night as a whole (Viterbi)."""
        raise NotImplementedError

    def filter(self, probabilities: Doubles, known: Bools) -> Ints:
        """(batch, epochs, labels), (batch, epochs) -> (batch,): the last epoch's, from its past."""
        raise NotImplementedError
