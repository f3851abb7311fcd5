"""The refusals that belong to models and predictions."""

from noctis import errors


class ModelUnavailable(errors.Unavailable):
    """No answer is invented where no model serves; ingest does not depend on one."""

    row = errors.registered(
        "model_unavailable",
        503,
        "No model serves",
        "The version that should serve is not loaded, cannot be run on this, or is not chosen yet.",
        "Repeat after `Retry-After`; epochs are taken in meanwhile, and nights are staged later.",
        is_retryable=True,
    )


class NotEnoughEpochs(errors.Invalid):
    row = errors.registered(
        "not_enough_epochs",
        422,
        "Not enough epochs for a stage",
        "No window holds as many known epochs as the model needs.",
        "Send more epochs; the detail says how many of a window must be known.",
    )


class InputsChanged(errors.Conflict):
    row = errors.registered(
        "inputs_changed",
        409,
        "The epochs or the engine have changed since",
        "Epochs were added after the prediction was given, or the engine was changed: what it saw "
        "is not what would be looked at now.",
        "Predict again; the new prediction can be explained.",
    )


class InputsGone(errors.Conflict):
    row = errors.registered(
        "inputs_gone",
        409,
        "The epochs are not there",
        "The epochs that were staged are past their retention or were never stored, or, of epochs "
        "that were sent along, the engine was changed since.",
        "Store the epochs and predict from the recording; that prediction can be explained.",
    )


class UnknownModel(errors.Missing):
    row = errors.registered(
        "model_not_found",
        404,
        "No such model version",
        "The registry has no version of this name.",
        "`GET /v1/models` lists what there is.",
    )


class PinnedByEnvironment(errors.Conflict):
    row = errors.registered(
        "pinned_by_environment",
        409,
        "The environment says what serves",
        "ACTIVE_MODEL_VERSION or ACTIVE_LIVE_MODEL_VERSION pins a version: no row changes that.",
        "Take the variable away, restart or reload, and repeat.",
    )


class PinnedByTenant(errors.Conflict):
    row = errors.registered(
        "pinned_by_tenant",
        409,
        "A tenant pins the version",
        "A version that a tenant chose for itself is neither archived nor rejected.",
        "The detail names the tenants; have them pin another, or none, and repeat.",
    )


class NotPinned(errors.Conflict):
    row = errors.registered(
        "model_not_pinned",
        409,
        "The version is not pinned",
        "The tenant does not pin this version in this family.",
        "`GET /v1/models` says what is pinned.",
    )


class NotValidated(errors.Conflict):
    row = errors.registered(
        "model_not_validated",
        409,
        "The version may not serve",
        "What is pinned must be validated or in production; by the environment it may be archived.",
        "Validate it, or pin another; what served before goes on serving.",
    )


class PassNotOffered(errors.Conflict):
    row = errors.registered(
        "pass_not_offered",
        409,
        "The version does not offer this pass",
        "A version serves only the passes that its manifest names.",
        "Choose a family that the version offers.",
    )


class NothingBefore(errors.Conflict):
    row = errors.registered(
        "nothing_to_roll_back_to",
        409,
        "Nothing served before",
        "The family has had no other version in production that could come back.",
        "Serve another version instead.",
    )


class NotServing(errors.Conflict):
    row = errors.registered(
        "model_not_serving",
        409,
        "The version does not serve",
        "Only what serves gives way to what served before it.",
        "`GET /v1/models` says what serves.",
    )


class ModelNotLoadable(errors.Conflict):
    row = errors.registered(
        "model_not_loadable",
        409,
        "What should serve cannot be loaded",
        "A version that should serve failed its checks; what served before goes on serving.",
        "The detail names version and reason; put the artifact right, or roll back, and reload.",
    )


class ArtifactUnreadable(errors.Conflict):
    """No word of what the error said: it may name places of the machine."""

    row = errors.registered(
        "artifact_unreadable",
        409,
        "The artifact cannot be read or run here",
        "Reading a version's files or its self-test ended with an error; the log has the whole.",
        "Look at the volume of MODELS_DIR and its rights, put it right, and reload.",
    )
