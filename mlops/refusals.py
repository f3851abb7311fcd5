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


class GatesUnmet(errors.Conflict):
    row = errors.registered(
        "gates_unmet",
        409,
        "The version has not passed its gates",
        "A version serves once it has passed every gate; what could not be measured is not passed.",
        "`GET /v1/models/{version}/gates` shows each with its figure, `POST` to it judges anew. "
        "Whoever may waive gates says why, as `waiver`.",
    )


class EvaluationMissing(errors.Conflict):
    row = errors.registered(
        "evaluation_missing",
        409,
        "Nothing says how good the version is",
        "A version is validated once its manifest has metrics, or it was judged by nights here.",
        "`POST /v1/models/{version}/gates` judges it by labelled nights.",
    )
