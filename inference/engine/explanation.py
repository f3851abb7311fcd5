"""Why this stage: what each column adds to the logits of one epoch."""

from dataclasses import dataclass
from typing import Literal

from inference.engine.model import Model
from inference.engine.nights import Doubles, Night

Pass = Literal["live", "night"]


@dataclass(frozen=True)
class Explanation:
    """Contributions summed over the names, plus the bias, are the logits (before temperature)."""

    method: str  # linear_contributions, clock_table, seeded_occlusion
    labels: tuple[str, ...]
    names: tuple[str, ...]
    contributions: Doubles  # (names, labels)
    bias: Doubles  # (labels,)
    logits: Doubles  # (labels,)


def explain(model: Model, night: Night, position: int, pass_: Pass) -> Explanation:
    """Explain the logits of the epoch at `position` of the night, as that pass saw it."""
    raise NotImplementedError
