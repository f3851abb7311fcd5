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
        "The night has no stages",
        "There are no stages of a whole night to compare the labels with.",
        "Close the recording and wait until it is staged; its hypnogram says what came of it.",
    )
