"""A model as its parts; that they fit together is checked when it is put together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inference.engine.columns import Columns
from inference.engine.decoding import Chain
from inference.engine.faults import ModelUnfit
from inference.engine.heads import Head, Linear, Own
from inference.engine.nights import Codes
from inference.engine.normalisation import Normalisation
from inference.engine.windows import Window
from recordings.grid import MAX_EPOCHS
from recordings.stages import UNSCORED, code_of


@dataclass(frozen=True)
class Model:
    labels: tuple[str, ...]  # names of recordings.stages, in the order of the head's logits
    features: tuple[str, ...]
    evidence: tuple[str, ...]  # of the features, those that tell of a sleeper
    window: Window
    normalisation: Normalisation
    columns: Columns
    head: Head
    decoder: Chain | None = None
    temperature: float = 1.0
    history: int = 0  # epochs before its own window that a live stage takes into account

    def __post_init__(self) -> None:
        codes = [code_of(label) for label in self.labels]
        if len(codes) < 2 or None in codes or UNSCORED in codes or len(set(codes)) < len(codes):
            raise ModelUnfit(f"Labels {', '.join(self.labels)}: each a stage, and another one.")
        if not self.features or len(set(self.features)) < len(self.features):
            raise ModelUnfit("The features are none, or one is named twice.")
        if not 0 < self.temperature < np.inf:
            raise ModelUnfit(f"A temperature of {self.temperature}.")
        if self.history < 0 or self.reach > MAX_EPOCHS:
            raise ModelUnfit(f"A history of {self.history} epochs.")
        self.normalisation.check(len(self.features))
        self.columns.check(len(self.features))
        self.head.check(len(self.columns.names(self.features)), len(codes), self.window)
        self._check_evidence()
        if self.decoder is not None:
            self.decoder.check(len(codes))

    def _check_evidence(self) -> None:
        evidence = set(self.evidence)
        if not evidence or len(evidence) < len(self.evidence) or evidence - set(self.features):
            raise ModelUnfit("The evidence is none, names a feature twice, or one that is unknown.")

    @property
    def reach(self) -> int:
        """How many epochs, itself the last, a live stage depends on."""
        return self.window.before + 1 + self.history

    @cached_property
    def codes(self) -> Codes:
        """(labels,): the code of each label in recordings.stages."""
        return np.array([code_of(label) for label in self.labels], dtype=np.int8)

    @cached_property
    def normalisation_seen(self) -> Normalisation:
        """Of the features that the columns see, in their order."""
        places = self.columns.places
        return self.normalisation.of_places(places) if places else self.normalisation

    @cached_property
    def own_head(self) -> Own | None:
        """Where the head is linear in the epoch's own columns."""
        width = len(self.columns.names(self.features))
        if isinstance(self.head, Linear) and self.head.is_own(width):
            return self.head.own(self.columns.sides)
        return None
