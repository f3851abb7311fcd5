"""Rows of models' life: what nights looked like, and how far they have moved."""

from mlops.models.drift import DriftRun, NightSketch

__all__ = ["DriftRun", "NightSketch"]
