"""Rows of models' life: what nights looked like, what was trained of them, how it was judged."""

from mlops.models.dataset import Dataset, DatasetNight
from mlops.models.drift import DriftRun, NightSketch
from mlops.models.evaluation import Evaluation
from mlops.models.experiment import Experiment, TrainingRun
from mlops.models.gates import GateRun
from mlops.models.job import Job
from mlops.models.promotion import Promotion
from mlops.models.replay import Replay, ReplayNight
from mlops.models.retraining import Retraining

__all__ = [
    "Dataset",
    "DatasetNight",
    "DriftRun",
    "Evaluation",
    "Experiment",
    "GateRun",
    "Job",
    "NightSketch",
    "Promotion",
    "Replay",
    "ReplayNight",
    "Retraining",
    "TrainingRun",
]
