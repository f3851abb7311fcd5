"""The rows of models, of what serves, and of what was staged."""

from inference.models.attempt import StagingAttempt
from inference.models.hypnogram import Hypnogram
from inference.models.live_cursor import LiveCursor
from inference.models.pin import TenantPin
from inference.models.prediction import Pass, Prediction, Role
from inference.models.serving import Family, Generation, Serving
from inference.models.version import ModelEvent, ModelVersion

__all__ = [
    "Family",
    "Generation",
    "Hypnogram",
    "LiveCursor",
    "ModelEvent",
    "ModelVersion",
    "Pass",
    "Prediction",
    "Role",
    "Serving",
    "StagingAttempt",
    "TenantPin",
]
