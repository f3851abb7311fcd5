"""The body of an evaluation; every term and its formula stand in docs/glossary.md."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from inference.bodies.hypnograms import Covers
from mlops.services.evaluation import Evaluation, Statistics
from noctis.serializers import Body
from recordings import grid
from recordings.bodies import epochs_read
from recordings.models import LabelSet, Recording
from recordings.stages import SHOWN
from tenants.bodies import instant

# Of the night statistics, those that scorers are compared by.
COMPARED = (
    "total_sleep_time_min",
    "sleep_efficiency_pct",
    "sleep_onset_latency_min",
    "rem_latency_min",
    "wake_after_sleep_onset_min",
    "awakenings",
    "stage_shifts",
    "longest_sleep_min",
)
_MATRIX = [[171, 9, 0, 2], [14, 402, 31, 12], [0, 28, 160, 0], [3, 17, 0, 151]]
_STEPS = [[168, 14, 0, 0], [9, 418, 21, 8], [1, 20, 166, 0], [4, 6, 0, 161]]


def score(help_text: str = "") -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


def matrix(help_text: str) -> serializers.ListField:
    row = serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=len(SHOWN), max_length=len(SHOWN)
    )
    return serializers.ListField(
        child=row, min_length=len(SHOWN), max_length=len(SHOWN), help_text=help_text
    )


class NewestLabels(Body):
    version = serializers.IntegerField()
    scorer = serializers.CharField()
    source = serializers.ChoiceField(LabelSet.Source.values)  # type: ignore[assignment]  # DRF takes it


class StageScores(Body):
    precision = score()
    recall = score()
    f1 = score()
    specificity = score()
    support = serializers.IntegerField(help_text="Epochs that the labels give this stage.")


class CalibrationBin(Body):
    above = serializers.FloatField()
    up_to = serializers.FloatField()
    epochs = serializers.IntegerField()
    mean_confidence = score()
    share_right = score()


class ComparedStatistic(Body):
    truth = score()
    predicted = score()
    difference = score("Predicted less truth.")


class NightEvaluation(Body):
    example = {
        "recording_id": "c0a1f7de-5b1d-4a53-8f3c-9c2f6d7e8a90",
        "model_version": "linear-1",
        "labels": {"version": 2, "scorer": "rater-7", "source": "psg"},
        "covers": {"from": "2026-03-01T20:30:00Z", "to": "2026-03-02T05:12:00Z", "epochs": 1044},
        "compared_epochs": 1000,
        "unlabelled_epochs": 40,
        "unstaged_epochs": 4,
        "accuracy": 0.884,
        "balanced_accuracy": 0.887,
        "kappa": 0.832,
        "macro_f1": 0.883,
        "mcc": 0.832,
        "brier": 0.178,
        "expected_calibration_error": 0.031,
        "entropy_bits": 0.52,
        "stages": list(SHOWN),
        "by_stage": {
            "W": {
                "precision": 0.91,
                "recall": 0.94,
                "f1": 0.924,
                "specificity": 0.979,
                "support": 182,
            }
        },
        "confusion": _MATRIX,
        "calibration": [
            {
                "above": 0.9,
                "up_to": 1.0,
                "epochs": 640,
                "mean_confidence": 0.96,
                "share_right": 0.95,
            }
        ],
        "truth_transitions": _STEPS,
        "predicted_transitions": _STEPS,
        "statistics": {
            "total_sleep_time_min": {"truth": 409.0, "predicted": 406.0, "difference": -3.0},
            "rem_latency_min": {"truth": 84.5, "predicted": None, "difference": None},
        },
    }

    recording_id = serializers.UUIDField()
    model_version = serializers.CharField(help_text="The version that staged the night.")
    labels = NewestLabels(help_text="The newest scoring.")
    covers = Covers()
    compared_epochs = serializers.IntegerField(help_text="Those that both know.")
    unlabelled_epochs = serializers.IntegerField()
    unstaged_epochs = serializers.IntegerField()
    accuracy = score()
    balanced_accuracy = score()
    kappa = score("Cohen's.")
    macro_f1 = score()
    mcc = score("Matthews' correlation for several classes.")
    brier = score("From 0, the best, to 2.")
    expected_calibration_error = score()
    entropy_bits = score("From 0, certain, to 2.")
    stages = serializers.ListField(child=serializers.ChoiceField(SHOWN))
    by_stage = serializers.DictField(child=StageScores())
    confusion = matrix("Rows are the truth, columns what was predicted, in the order of `stages`.")
    calibration = CalibrationBin(many=True)
    truth_transitions = matrix("Rows are from, columns to: pairs of neighbours in this night.")
    predicted_transitions = matrix("The same of what was predicted, over the same pairs.")
    statistics = serializers.DictField(
        child=ComparedStatistic(), help_text="Over the epochs that both know."
    )


def span(recording: Recording, query: Mapping[str, str]) -> range:
    """The epochs that `from` and `to` name, or everything that is wrong with them."""
    asked = epochs_read.wanted(query).span(recording.started_at, None)
    return range(asked.first, max(asked.first, asked.end))


def evaluation(one: Evaluation) -> dict[str, Any]:
    start = one.recording.started_at
    return {
        "recording_id": one.recording.uuid,
        "model_version": one.hypnogram.model.version,
        "labels": {
            "version": one.labels.version,
            "scorer": one.labels.scorer,
            "source": one.labels.source,
        },
        "covers": {
            "from": instant(grid.epoch_start(start, one.span.start)),
            "to": instant(grid.epoch_start(start, one.span.stop)),
            "epochs": len(one.span),
        },
        "unlabelled_epochs": one.unlabelled_epochs,
        "unstaged_epochs": one.unstaged_epochs,
        "stages": list(SHOWN),
        **asdict(one.report),
        "statistics": statistics(one.statistics),
    }


def statistics(both: Statistics) -> dict[str, dict[str, float | None]]:
    truth, predicted = both.truth.as_json, both.predicted.as_json
    return {name: _beside(truth[name], predicted[name]) for name in COMPARED}


def _beside(truth: float | None, predicted: float | None) -> dict[str, float | None]:
    difference = None if truth is None or predicted is None else predicted - truth
    return {"truth": truth, "predicted": predicted, "difference": difference}
