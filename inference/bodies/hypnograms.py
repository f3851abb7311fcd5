"""A staged night as it is answered: its stages, its statistics, of all of it or of a range."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from numpy.typing import NDArray
from rest_framework import serializers

from inference import sheets, statistics
from inference.bodies import remarks
from inference.models import Hypnogram as Row
from inference.sheets import Sheet
from inference.statistics import laid_out, night_statistics
from noctis.serializers import Body, Instant
from recordings import grid, streams
from recordings.bodies import epochs_read
from recordings.bodies.epochs_read import TextOf
from recordings.models import Recording
from recordings.stages import SHOWN, shown_places
from tenants.bodies import instant

RANGE = {name: epochs_read.FILTERS[name] for name in ("from", "to")}
# By place in SHOWN; the last one is that of an epoch without a stage.
_NAMES = np.array([*SHOWN, None], object)

STATISTICS: dict[str, Any] = {
    "covers": {"from": "2026-03-01T20:30:00Z", "to": "2026-03-02T04:30:00Z", "epochs": 960},
    "time_in_bed_min": 480.0,
    "unknown_min": 6.5,
    "coverage_pct": 98.6,
    "total_sleep_time_min": 421.0,
    "sleep_efficiency_pct": 88.9,
    "longest_sleep_min": 104.5,
    "minutes_by_stage": {"W": 52.5, "Light": 231.0, "Deep": 94.0, "REM": 96.0},
    "percent_of_sleep": {"Light": 54.9, "Deep": 22.3, "REM": 22.8},
    "sleep_onset_latency_min": 14.0,
    "rem_latency_min": 88.5,
    "wake_after_sleep_onset_min": 31.0,
    "terminal_wake_min": 7.5,
    "awakenings": 9,
    "awakenings_per_hour": 1.28,
    "stage_shifts": 61,
    "first_sleep_at": "2026-03-01T20:44:00Z",
    "last_sleep_at": "2026-03-02T04:22:30Z",
    "mid_sleep_at": "2026-03-02T00:33:15Z",
    "unknown_before_sleep_min": 0.0,
    "unknown_within_sleep_min": 6.5,
    "unknown_after_sleep_min": 0.0,
}


class Covers(Body):
    from_ = Instant()
    to = Instant()
    epochs = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is no name in Python."""
        fields = super().get_fields()
        return {name.rstrip("_"): field for name, field in fields.items()}


class Statistics(Body):
    """Every term and its formula stand in the glossary; what cannot be known is `null`."""

    example = STATISTICS

    covers = Covers(help_text="The whole epochs that were looked at; `to` is not among them.")
    time_in_bed_min = serializers.FloatField()
    unknown_min = serializers.FloatField(help_text="Gaps: neither wake nor sleep.")
    coverage_pct = serializers.FloatField(allow_null=True)
    total_sleep_time_min = serializers.FloatField()
    sleep_efficiency_pct = serializers.FloatField(allow_null=True)
    longest_sleep_min = serializers.FloatField()
    minutes_by_stage = serializers.DictField(child=serializers.FloatField())
    percent_of_sleep = serializers.DictField(child=serializers.FloatField(allow_null=True))
    sleep_onset_latency_min = serializers.FloatField(allow_null=True)
    rem_latency_min = serializers.FloatField(allow_null=True)
    wake_after_sleep_onset_min = serializers.FloatField(allow_null=True)
    terminal_wake_min = serializers.FloatField(allow_null=True)
    awakenings = serializers.IntegerField(allow_null=True)
    awakenings_per_hour = serializers.FloatField(allow_null=True)
    stage_shifts = serializers.IntegerField(allow_null=True)
    first_sleep_at = Instant(allow_null=True)
    last_sleep_at = Instant(allow_null=True)
    mid_sleep_at = Instant(allow_null=True)
    unknown_before_sleep_min = serializers.FloatField(allow_null=True)
    unknown_within_sleep_min = serializers.FloatField(allow_null=True)
    unknown_after_sleep_min = serializers.FloatField(allow_null=True)


class Plausibility(Body):
    """How like a sleeper's the night's numbers are; `null` where too few are known to say."""

    continuity = serializers.FloatField(
        allow_null=True, help_text="How much each epoch is like the one before; noise has 0."
    )
    astray = serializers.FloatField(
        allow_null=True, help_text="The share of epochs whose rates are far from the night's own."
    )


class StagedNight(Body):
    """What is the same of a hypnogram and of its summary."""

    example: dict[str, Any] = {
        "recording_id": "c0a1f7de-5b1d-4a53-8f3c-9c2f6d7e8a90",
        "timezone": "Europe/Berlin",
        "disposition": "staged",
        "is_up_to_date": True,
        "plausibility": {"continuity": 0.66, "astray": 0.004},
        "model_version": "linear-1",
        "is_experimental": True,
        "note": f"{remarks.ELSEWHERE} {remarks.TYPICAL_ERROR}",
        "revision": 0,
        "staged_at": "2026-03-02T04:30:06Z",
    }

    recording_id = serializers.UUIDField()
    timezone = serializers.CharField()
    disposition = serializers.ChoiceField(
        Row.Disposition.values,
        help_text="`implausible`: staged, but by numbers that are hardly a sleeper's.",
    )
    plausibility = Plausibility()
    is_up_to_date = serializers.BooleanField(
        help_text="`false` while epochs that came later wait to be staged."
    )
    model_version = serializers.CharField()
    is_experimental = serializers.BooleanField()
    note = serializers.CharField(
        allow_null=True, help_text="What must be said wherever the stages are shown."
    )
    revision = serializers.IntegerField(help_text="Counts up each time that the night is staged.")
    staged_at = Instant()


class Hypnogram(StagedNight):
    example = StagedNight.example | {
        "started_at": "2026-03-01T20:30:00Z",
        "epoch_seconds": 30,
        "stages": ["W", "W", "Light", None, "Light"],
        "confidences": [0.91, 0.88, 0.54, None, 0.61],
        "mean_confidence": 0.735,
        "statistics": STATISTICS,
    }

    started_at = Instant(help_text="Position `i` starts `i` times `epoch_seconds` later.")
    epoch_seconds = serializers.IntegerField()
    stages = serializers.ListField(
        child=serializers.ChoiceField(SHOWN, allow_null=True),
        help_text="From the recording's start to its end; `null` is a gap, or too little known.",
    )
    confidences = serializers.ListField(child=serializers.FloatField(allow_null=True))
    mean_confidence = serializers.FloatField(allow_null=True)
    statistics = Statistics()


class Summary(StagedNight):
    example = StagedNight.example | {"summary": STATISTICS}

    summary = Statistics()


class EdfFile(OpenApiResponse):
    """An EDF+ file, for the OpenAPI document: how one begins."""

    example = "0       P-0042 X X X"

    def __init__(self) -> None:
        super().__init__(OpenApiTypes.BINARY)


EDF_FILE = EdfFile()
CSV_LINES = TextOf(
    ",".join(sheets.COLUMNS),
    "c0a1f7de-5b1d-4a53-8f3c-9c2f6d7e8a90,P-0042,0,2026-03-01T20:30:00Z,"
    "2026-03-01T21:30:00+01:00,Europe/Berlin,W,0.91,linear-1,true,staged",
)


def _common(recording: Recording, row: Row) -> dict[str, Any]:
    return {
        "recording_id": recording.uuid,
        "timezone": recording.timezone,
        "disposition": row.disposition,
        "plausibility": {"continuity": row.continuity, "astray": row.astray},
        "is_up_to_date": recording.status == Recording.Status.STAGED,
        "model_version": row.model.version,
        "is_experimental": is_experimental(row),
        "note": remarks.note_of(row),
        "revision": row.revision,
        "staged_at": instant(row.staged_at),
    }


def is_experimental(row: Row) -> bool:
    """Unless its artifact says otherwise."""
    return bool(row.model.metadata.get("is_experimental", True))


def hypnogram(recording: Recording, row: Row) -> dict[str, Any]:
    shown = shown_places(_codes(row))
    return _common(recording, row) | {
        "started_at": instant(recording.started_at),
        "epoch_seconds": grid.EPOCH_S,
        "stages": _NAMES[shown].tolist(),
        "confidences": streams.shortest(_confidences(row)).tolist(),
        "mean_confidence": row.mean_confidence,
        "statistics": row.statistics,
    }


def summary(recording: Recording, row: Row, query: Mapping[str, str]) -> dict[str, Any]:
    """Of a range, where one is given, as far as the night reaches."""
    asked = epochs_read.wanted(query).span(recording.started_at, None)
    night = time_in_bed(row)
    first = min(asked.first, night.stop)
    span = range(first, max(first, min(asked.end, night.stop)))
    stages = laid_out(np.array(row.stages, np.int8), row.first_index, span)
    counted = night_statistics(stages, recording.started_at, span.start)
    return _common(recording, row) | {"summary": counted.as_json}


def sheet(recording: Recording, row: Row) -> Sheet:
    """The same night for a file."""
    return Sheet(
        recording_id=str(recording.uuid),
        subject=recording.subject,
        started_at=recording.started_at,
        timezone=recording.timezone,
        model_version=row.model.version,
        is_experimental=is_experimental(row),
        disposition=row.disposition,
        stages=shown_places(_codes(row)),
        confidences=_confidences(row),
    )


def time_in_bed(row: Row) -> range:
    """The epochs that its statistics were taken over."""
    return range(row.statistics["covers"]["epochs"])


def _codes(row: Row) -> NDArray[np.int8]:
    """(epochs of the night,), -1 where there is no stage."""
    return statistics.laid_out(np.array(row.stages, np.int8), row.first_index, time_in_bed(row))


def _confidences(row: Row) -> NDArray[np.float32]:
    """(epochs of the night,), NaN where there is no stage."""
    wide = np.full(len(time_in_bed(row)), np.nan, np.float32)
    given = np.array(row.confidences, np.float32)
    wide[row.first_index : row.first_index + len(given)] = given
    return wide
