"""The two passes: the whole night when it is over, the newest epochs while it goes on."""

from dataclasses import dataclass

import numpy as np

from inference.engine.evidence import without_unknown
from inference.engine.faults import NightUnfit
from inference.engine.model import Model
from inference.engine.nights import Bools, Doubles, Floats, Ints, Night, Staged
from inference.engine.windows import Window, trailing
from recordings.grid import MAX_EPOCHS
from recordings.stages import UNSCORED

# To be raised whenever the same model gives other stages of the same night than before.
ENGINE_REVISION = 3
# Epochs of live blocks looked at together: more are no faster and take memory.
EPOCHS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Seen:
    """What a model makes of the last epochs of blocks, before the decoder."""

    probabilities: Doubles  # (blocks, last, labels), calibrated
    knows_enough: Bools  # (blocks, last)
    are_apart: Bools  # (blocks,)


def stage_night(model: Model, night: Night) -> Staged:
    """Stage a whole night, each epoch with what came before and after it."""
    night = told(model, night)
    if len(night) == 0:
        return _joined(model, [])
    seen = look(model, night.features[None], _indexes(night)[None], len(night))
    probabilities, enough = seen.probabilities[0], seen.knows_enough[0]
    if model.decoder is None:
        return _staged(model, likeliest(probabilities), probabilities, enough)
    decoded = model.decoder.decode(probabilities, enough, seen.are_apart[0])
    return _staged(model, decoded, probabilities, enough)


def stage_live(model: Model, night: Night, newest: int) -> Staged:
    """Stage the last `newest` epochs, each as if it were the last one known.

    An epoch's live stage is that of the last epoch of the `model.reach` epochs up to it, and
    depends on nothing else: later epochs and longer histories change nothing.
    """
    night = told(model, night)
    if newest < 0:
        raise NightUnfit(f"The newest {newest} epochs.")
    newest = min(newest, len(night))
    if newest == 1 and model.own_head is not None:
        return _live(model, *_begun(night, model.reach))
    blocks = trailing(night.features, model.reach, newest)
    index = _indexes(night)[len(night) - newest :, None] + np.arange(1 - model.reach, 1)
    step = max(EPOCHS_AT_ONCE // model.reach, 1)
    parts = [
        _live(model, blocks[at : at + step], index[at : at + step]) for at in range(0, newest, step)
    ]
    return _joined(model, parts)


def newest_stageable(model: Model, night: Night) -> int | None:
    """Find the last epoch that may be given a live stage, without running the head."""
    places = np.flatnonzero(stageable(model, night))
    return int(places[-1]) if len(places) else None


def stageable(model: Model, night: Night) -> Bools:
    """(epochs,): which may be given a live stage, without running the head."""
    known = np.asarray(np.isfinite(told(model, night).features).any(axis=1))
    past = Window(model.window.before, 0, 0).count_known(known)
    return np.asarray(known & (past >= model.window.minimum_known))


def told(model: Model, night: Night) -> Night:
    """The night with its unknown epochs as gaps.

    Refuses a night of other features, or longer than a recording may be.
    """
    shape = night.features.shape
    if len(shape) != 2 or shape[1] != len(model.features):
        raise NightUnfit(f"Features {shape}, but the model takes {len(model.features)} of them.")
    if shape[0] > MAX_EPOCHS:
        raise NightUnfit(f"{shape[0]} epochs; a recording has at most {MAX_EPOCHS}.")
    features = without_unknown(night.features, model.features, model.evidence)
    return Night(features, night.first_index)


def look(model: Model, blocks: Floats, index: Ints, last: int) -> Seen:
    """(blocks, epochs, features), (blocks, epochs) -> the last epochs of each block."""
    known_each = np.isfinite(blocks)
    known = np.asarray(known_each.any(axis=-1))
    are_apart = model.columns.tell_apart(known_each, known)
    logits = _logits(model, blocks, index, are_apart, last)
    enough = (known & model.window.knows_enough(known))[:, known.shape[1] - last :]
    probabilities = softmax(logits / model.temperature)
    # A network may run over; where one label is no number, none is.
    enough &= ~np.isnan(probabilities[..., 0])
    return Seen(probabilities, enough, are_apart)


def _logits(model: Model, blocks: Floats, index: Ints, are_apart: Bools, last: int) -> Doubles:
    """-> (blocks, last, labels)."""
    if (own := model.own_head) is None:
        columns = model.columns.of(model.normalisation.apply(blocks), index)
        return model.head.logits(columns, index, model.window, last)
    seen = model.normalisation_seen.along(model.columns.see(blocks))
    return own.logits(model.columns.once(seen, index, last), are_apart)


def softmax(logits: Doubles) -> Doubles:
    """(..., labels) -> (..., labels), summing to 1."""
    with np.errstate(invalid="ignore"):
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def likeliest(probabilities: Doubles) -> Ints:
    """(epochs, labels) -> (epochs,): by what is shown, so that rounding tells no equals apart."""
    return np.asarray(probabilities.astype(np.float32).argmax(axis=-1))


def _begun(night: Night, reach: int) -> tuple[Floats, Ints]:
    """A block of the newest epochs within reach, from the first that is known on: to a head that
    sees an epoch's own columns, what is unknown before it says nothing."""
    first = max(len(night) - reach, 0)
    known = np.flatnonzero(np.isfinite(night.features[first:]).any(axis=1))
    first = first + int(known[0]) if len(known) else len(night) - 1
    index = np.arange(night.first_index + first, night.first_index + len(night))
    return night.features[None, first:], index[None]


def _live(model: Model, blocks: Floats, index: Ints) -> Staged:
    """(blocks, epochs, features), (blocks, epochs) -> one epoch a block."""
    wanted = 1 if model.decoder is None else model.history + 1
    last = min(wanted, blocks.shape[1])
    seen = look(model, blocks, index, last)
    probabilities, enough = seen.probabilities[:, -1], seen.knows_enough[:, -1]
    if model.decoder is None:
        return _staged(model, likeliest(probabilities), probabilities, enough)
    places = model.decoder.filter(
        seen.probabilities, seen.knows_enough, seen.are_apart, before=wanted - last
    )
    return _staged(model, places, probabilities, enough)


def _staged(model: Model, places: Ints, probabilities: Doubles, enough: Bools) -> Staged:
    """(epochs,), (epochs, labels), (epochs,): what is or knows too little is none."""
    shown = np.where(enough[:, None], probabilities, np.nan).astype(np.float32)
    return Staged(
        stages=np.where(enough, model.codes[places], np.int8(UNSCORED)),
        probabilities=shown,
        confidence=shown[np.arange(len(places)), places],
    )


def _joined(model: Model, parts: list[Staged]) -> Staged:
    if len(parts) == 1:
        return parts[0]
    nothing = np.empty((0, len(model.labels)), dtype=np.float32)
    return Staged(
        np.concatenate([np.empty(0, dtype=np.int8), *(part.stages for part in parts)]),
        np.concatenate([nothing, *(part.probabilities for part in parts)]),
        np.concatenate([nothing[:, 0], *(part.confidence for part in parts)]),
    )


def _indexes(night: Night) -> Ints:
    return np.arange(night.first_index, night.first_index + len(night), dtype=np.int64)
