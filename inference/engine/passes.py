"""The two passes: the whole night when it is over, the newest epochs while it goes on."""

from inference.engine.model import Model
from inference.engine.nights import Night, Staged


def stage_night(model: Model, night: Night) -> Staged:
    """Stage a whole night, each epoch with what came before and after it."""
    raise NotImplementedError


def stage_live(model: Model, night: Night, newest: int) -> Staged:
    """Stage the last `newest` epochs, each as if it were the last one known.

    An epoch's live stage is that of the last epoch of the `model.reach` epochs up to it, and
    depends on nothing else: later epochs and longer histories change nothing.
    """
    raise NotImplementedError
