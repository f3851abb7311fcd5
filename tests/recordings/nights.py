"""Nights for tests: a device with a recording, believable epochs, the bodies that carry them."""

import base64
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from devices.models import Device
from recordings.models import Epoch, Recording
from recordings.schemas import SHIPPED
from recordings.services import nights
from recordings.services.nights import Night
from tenants.models import Tenant

VERSION = "noctis_v1"
SCHEMA = SHIPPED[VERSION]
NAMES = [feature.name for feature in SCHEMA]


def device_of(tenant: Tenant, name: str = "bedside", **facts: object) -> Device:
    return Device.objects.create(tenant=tenant, name=name, **facts)


def night_of(tenant: Tenant, started_at: datetime | None = None, **device: object) -> Recording:
    """An open recording that began eight hours ago."""
    start = started_at or timezone.now().replace(microsecond=0) - timedelta(hours=8)
    return nights.open_recording(device=device_of(tenant, **device), night=Night(start))


def features(count: int, seed: int = 0, gaps: float = 0.05) -> np.ndarray:
    """(count, features) within the schema's ranges, some of it missing."""
    rng = np.random.default_rng(seed)
    low = np.array([feature.minimum for feature in SCHEMA])
    high = np.array([feature.maximum for feature in SCHEMA])
    matrix = (low + (high - low) * rng.random((count, len(SCHEMA)))).astype(np.float32)
    matrix[rng.random(matrix.shape) < gaps] = np.nan
    return np.clip(matrix, low.astype(np.float32), high.astype(np.float32))


def packed(matrix: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(matrix, "<f4").tobytes()).decode()


def listed(row: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in row]


def instant(recording: Recording, index: int, off_s: float = 0) -> str:
    at = recording.started_at + timedelta(seconds=30 * index + off_s)
    return at.isoformat()


def epoch(recording: Recording, index: int, row: Any, **other: Any) -> dict[str, Any]:
    return {
        "epoch_index": index,
        "epoch_start_ts": instant(recording, index),
        "feature_schema_version": VERSION,
        "features": row,
    } | other


def body(recording: Recording, matrix: np.ndarray, first: int = 0, form: str = "list") -> Any:
    """A request body in one of the four forms."""
    if form == "column":
        return {
            "recording_id": str(recording.uuid),
            "feature_schema_version": VERSION,
            "start_index": first,
            "epochs": packed(matrix),
        }
    encode = {
        "list": listed,
        "object": lambda row: dict(zip(NAMES, listed(row), strict=True)),
        "packed": packed,
    }[form]
    epochs = [epoch(recording, first + i, encode(row)) for i, row in enumerate(matrix)]
    return {"recording_id": str(recording.uuid), "epochs": epochs}


def stored(recording: Recording) -> dict[int, bytes]:
    """Every epoch of a recording as index -> float32 bytes, read the slow way."""
    rows = Epoch.objects.filter(recording_id=recording.pk).values_list("epoch_index", "features")
    return {index: np.array(row, "<f4").tobytes() for index, row in rows}
