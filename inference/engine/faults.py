"""What the engine refuses, as plain exceptions: it knows no requests and no codes."""


class ModelUnfit(ValueError):
    """The parts of a model do not fit together: nothing may be staged with it."""


class NightUnfit(ValueError):
    """The features given are not those the model was made for."""


class GoldenMismatch(ValueError):
    """A model does not answer its own golden vectors: what was loaded is not what was trained."""


class ModelFailed(RuntimeError):
    """A model cannot be run on what it is given: none of it has a stage."""
