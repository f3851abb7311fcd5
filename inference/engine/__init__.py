"""Features in, stages out: numpy and ONNX runtime, no Django, no database, no clock."""

from inference.engine.columns import Columns
from inference.engine.decoding import Chain
from inference.engine.explanation import Explanation, Pass, explain
from inference.engine.faults import GoldenMismatch, ModelFailed, ModelUnfit, NightUnfit
from inference.engine.golden import Golden
from inference.engine.heads import Clock, Head, Linear
from inference.engine.model import Model
from inference.engine.network import Network
from inference.engine.nights import Night, Staged
from inference.engine.normalisation import Fixed, Normalisation, RobustNight
from inference.engine.passes import (
    ENGINE_REVISION,
    newest_stageable,
    stage_live,
    stage_night,
    stageable,
)
from inference.engine.windows import Window

__all__ = [
    "ENGINE_REVISION",
    "Chain",
    "Clock",
    "Columns",
    "Explanation",
    "Fixed",
    "Golden",
    "GoldenMismatch",
    "Head",
    "Linear",
    "Model",
    "ModelFailed",
    "ModelUnfit",
    "Network",
    "Night",
    "NightUnfit",
    "Normalisation",
    "Pass",
    "RobustNight",
    "Staged",
    "Window",
    "explain",
    "newest_stageable",
    "stage_live",
    "stage_night",
    "stageable",
]
