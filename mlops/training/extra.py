"""What only the optional `train` extra brings, asked for when it is needed."""

import importlib
from types import ModuleType

from noctis import errors


class TrainingExtraMissing(errors.Conflict):
    row = errors.registered(
        "training_extra_missing",
        409,
        "torch is not installed",
        "Nets are fitted with the optional `train` extra, which the platform does without.",
        "`pip install --require-hashes -r requirements-train.lock` in an environment of its own.",
    )


def needed(module: str) -> ModuleType:
    """A module that stands on torch, or the refusal that says how to get it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise TrainingExtraMissing(f"no module {error.name}") from None
