"""Rows of models' life: what nights looked like, how far they moved, how versions were judged."""

from mlops.models.drift import DriftRun, NightSketch
from mlops.models.gates import GateRun
from mlops.models.job import Job

__all__ = ["DriftRun", "GateRun", "Job", "NightSketch"]
