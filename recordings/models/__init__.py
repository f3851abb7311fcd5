"""The rows of nights."""

from recordings.models.epoch import Epoch
from recordings.models.erasure import Erasure
from recordings.models.export import ExportMark
from recordings.models.labels import LabelSet
from recordings.models.recording import Recording, RecordingQuerySet
from recordings.models.schema import FeatureSchema

__all__ = [
    "Epoch",
    "Erasure",
    "ExportMark",
    "FeatureSchema",
    "LabelSet",
    "Recording",
    "RecordingQuerySet",
]
