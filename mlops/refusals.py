"""The refusals that belong to models' quality."""

from noctis import errors


class LabelsMissing(errors.Conflict):
    row = errors.registered(
        "labels_missing",
        409,
        "Nobody has scored this night",
        "There is no ground truth to compare the stages with.",
        "`POST /v1/recordings/{id}/labels` adds a scoring.",
    )


class PredictionsMissing(errors.Conflict):
    row = errors.registered(
        "predictions_missing",
        409,
        "No stage of the night is kept",
        "The night could not be staged, or its predictions are past their retention.",
        "The hypnogram's `disposition` says what became of the night.",
    )


class NoDriftReference(errors.Conflict):
    row = errors.registered(
        "no_drift_reference",
        409,
        "The version says nothing of its training",
        "Drift is measured against what a version saw in training; its manifest does not say it.",
        "Ask for another version: `GET /v1/models` lists them.",
    )
