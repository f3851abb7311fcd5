"""The refusals that belong to nights and epochs."""

from noctis import errors


class RecordingExists(errors.Conflict):
    row = errors.registered(
        "recording_exists",
        409,
        "The device has a recording that starts then",
        "A device has one recording for each start.",
        "Use the recording that is there, or another `started_at`.",
    )


class EpochConflict(errors.Conflict):
    row = errors.registered(
        "epoch_conflict",
        409,
        "Epochs contradict what is stored",
        "The same index is stored with other values; nothing was overwritten, nothing was added.",
        "Leave the epochs out that `errors` names, and send the rest again.",
    )


class RecordingStillOpen(errors.Conflict):
    row = errors.registered(
        "recording_still_open",
        409,
        "The night is not over",
        "A night is staged whole once it is closed.",
        "Close it first: `POST /v1/recordings/{id}:close`.",
    )


class EpochsGone(errors.Conflict):
    row = errors.registered(
        "epochs_gone",
        409,
        "Epochs of the night are gone",
        "Retention took epochs: staged anew, the night would be worth less than what is kept.",
        "Look at the hypnogram that there is; it stays as it was staged.",
    )


class PastRetention(errors.Conflict):
    row = errors.registered(
        "past_retention",
        409,
        "Older than what is kept",
        "The night, or an epoch of it, is older than the tenant's retention.",
        "Drop what is older; it would be removed at once.",
    )


class FeatureSchemaMismatch(errors.Invalid):
    row = errors.registered(
        "feature_schema_mismatch",
        422,
        "Another feature schema is spoken here",
        "The batch's schema version is not the active one.",
        "`GET /v1/feature-schemas` says which is; nothing is padded, cut or reordered.",
    )


class EpochOffGrid(errors.Invalid):
    row = errors.registered(
        "epoch_off_grid",
        422,
        "Epochs are off the recording's grid",
        "Epoch `i` starts at `started_at` + `i` * 30 s; a clock may differ by 15 s.",
        "Check the device's clock and index, or start a new recording.",
    )
