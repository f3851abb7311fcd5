"""A model as its parts; that they fit together is checked when it is put together."""

from dataclasses import dataclass

from inference.engine.columns import Columns
from inference.engine.decoding import Chain
from inference.engine.heads import Head
from inference.engine.normalisation import Normalisation
from inference.engine.windows import Window


@dataclass(frozen=True)
class Model:
    labels: tuple[str, ...]  # names of recordings.stages, in the order of the head's logits
    features: tuple[str, ...]
    window: Window
    normalisation: Normalisation
    columns: Columns
    head: Head
    decoder: Chain | None = None
    temperature: float = 1.0
    history: int = 0  # epochs before its own window that a live stage takes into account

    @property
    def reach(self) -> int:
        """How many epochs, itself the last, a live stage depends on."""
        return self.window.before + 1 + self.history
