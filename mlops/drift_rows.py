"""Sketches in the table: written for a staged night, read as whole arrays for a comparison."""

from datetime import date
from typing import Any

import numpy as np

from inference.models import ModelVersion
from mlops.drift import Nights, Reference, Sketch
from mlops.drift.reference import BINS
from mlops.models import NightSketch
from recordings import queries
from recordings.models import Recording
from tenants.models import Tenant

# An open range takes values whose sum no `real` holds: one such night would end every comparison.
MOST = float(np.finfo(np.float32).max)
# One order for all columns: their aggregates see the rows of the one subquery.
BETWEEN = """
SELECT array_agg(device_id::integer), array_agg(epochs), array_agg(counts),
       array_agg(total::real[]), array_agg(stages), array_agg(coalesce(confidence, 'NaN')::real)
FROM (SELECT * FROM mlops_nightsketch
      WHERE tenant_id = %(tenant)s AND model_id = %(model)s
        AND night_on >= %(start)s AND night_on < %(end)s
      ORDER BY night_on, id) AS sketch
"""


def keep(recording: Recording, model: ModelVersion | int, sketch: Sketch) -> None:
    """The newest staging of a night by a version is the one that counts."""
    confidence = None if np.isnan(sketch.confidence) else sketch.confidence
    facts = {
        "tenant_id": recording.tenant_id,
        "device_id": recording.device_id,
        "night_on": recording.night_on,
        "epochs": sketch.epochs,
        "counts": sketch.counts.ravel().tolist(),
        "total": np.clip(sketch.total, -MOST, MOST).tolist(),
        "squares": sketch.squares.tolist(),
        "stages": sketch.stages.tolist(),
        "confidence": confidence,
    }
    NightSketch.objects.update_or_create(
        recording=recording,
        model_id=model if isinstance(model, int) else model.pk,
        defaults=facts,
    )


def between(
    tenant: Tenant, model: ModelVersion, reference: Reference, days: tuple[date, date]
) -> Nights:
    """The nights of a tenant that a version staged, from the first day until before the second."""
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "model": model.pk,
        "start": days[0],
        "end": days[1],
    }
    ((device, epochs, counts, total, stages, confidence),) = queries.arrays(BETWEEN, values)
    width, labels = len(reference.features), len(reference.labels)
    if device is None:
        nothing = np.empty(0, np.int64)
        return Nights(
            nothing,
            nothing,
            np.empty((0, width, BINS), np.int64),
            np.empty((0, width)),
            np.empty((0, labels), np.int64),
            np.empty(0),
        )
    return Nights(
        device=device.astype(np.int64),
        epochs=epochs.astype(np.int64),
        counts=counts.reshape(-1, width, BINS).astype(np.int64),
        total=total.reshape(-1, width).astype(np.float64),
        stages=stages.reshape(-1, labels).astype(np.int64),
        confidence=confidence.astype(np.float64),
    )
