"""The refusals that belong to models and predictions."""

from noctis import errors


class ModelUnavailable(errors.Unavailable):
    """No answer is invented where no model serves; ingest does not depend on one."""

    row = errors.registered(
        "model_unavailable",
        503,
        "No model serves",
        "The version that should serve is not loaded, or none was chosen yet.",
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
        "The epochs have changed since",
        "Epochs were added after the prediction was given: what it saw is not what is stored now.",
        "Predict again; the new prediction can be explained.",
    )


class InputsGone(errors.Conflict):
    row = errors.registered(
        "inputs_gone",
        409,
        "The epochs are not there",
        "The epochs that were staged are past their retention, or were never stored.",
        "Store the epochs and predict from the recording; that prediction can be explained.",
    )
