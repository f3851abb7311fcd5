"""Between a manifest with its files and the engine's parts, in both directions."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from inference import engine
from inference.artifacts import arrays
from inference.artifacts.faults import BadArtifact, BadManifest, FileMissing, FileUnexpected
from inference.artifacts.folder import Files
from inference.artifacts.manifest import (
    CARD,
    LABEL_MAP,
    METADATA,
    SCHEMA,
    ChainPart,
    ClockPart,
    FixedPart,
    GoldenPart,
    LinearPart,
    Manifest,
    Metadata,
    NetworkPart,
    NightPart,
    Numbers,
)
from inference.engine import network

WEIGHTS, BIAS, NETWORK = "weights.npy", "bias.npy", "model.onnx"
HEAD_FILES = {
    LinearPart: {WEIGHTS, BIAS},
    ClockPart: {WEIGHTS},
    NetworkPart: {NETWORK},
}


def check_complete(metadata: Metadata) -> None:
    """Refuse a folder with other files than its kind of head has."""
    needed = {LABEL_MAP, SCHEMA, *HEAD_FILES[type(metadata.head)]}
    named = metadata.files.keys()
    if missing := needed - named:
        raise FileMissing(f"missing: {', '.join(sorted(missing))}")
    if unexpected := named - needed - {CARD}:
        raise FileUnexpected(f"no part of such a model: {', '.join(sorted(unexpected))}")


def model_of(manifest: Manifest, files: Files) -> engine.Model:
    """Put the parts together; the engine refuses what does not fit."""
    said = manifest.metadata
    window = said.window
    try:
        return engine.Model(
            labels=manifest.labels,
            features=tuple(feature.name for feature in manifest.features),
            evidence=tuple(said.evidence),
            window=engine.Window(window.before, window.after, window.minimum_known),
            normalisation=_normalisation(said.normalisation),
            columns=_columns(manifest),
            head=_HEADS[type(said.head)](said.head, files),
            decoder=_decoder(said.decoder),
            temperature=said.temperature,
            history=said.history,
        )
    except engine.ModelUnfit as error:
        raise BadArtifact(f"the parts do not fit: {error}") from None


def _columns(manifest: Manifest) -> engine.Columns:
    """Features by name become places."""
    said = manifest.metadata
    names = [feature.name for feature in manifest.features]
    sees = said.sees or []
    apart_by = said.apart_by or None
    seen = sees or names
    if unknown := (set(sees) - set(names)) | ({apart_by} - {None} - set(seen)):
        raise engine.ModelUnfit(f"The columns see {', '.join(map(str, sorted(unknown, key=str)))}.")
    places = tuple(names.index(name) for name in sees)
    apart = None if apart_by is None else seen.index(apart_by)
    return engine.Columns(tuple(said.columns), places, apart)


def _linear(_: Any, files: Files) -> engine.Head:
    return engine.Linear(arrays.read(WEIGHTS, files[WEIGHTS]), arrays.read(BIAS, files[BIAS]))


def _clock(said: ClockPart, files: Files) -> engine.Head:
    return engine.Clock(arrays.read(WEIGHTS, files[WEIGHTS]), said.epochs_per_bin)


def _network(_: Any, files: Files) -> engine.Head:
    return network.load(files[NETWORK])


_HEADS: Mapping[type, Callable[[Any, Files], engine.Head]] = {
    LinearPart: _linear,
    ClockPart: _clock,
    NetworkPart: _network,
}


def _normalisation(said: FixedPart | NightPart) -> engine.Normalisation:
    if isinstance(said, NightPart):
        return engine.RobustNight(said.limit, _optional(said.floor), _optional(said.least))
    return engine.Fixed(_doubles(said.mean), _doubles(said.scale))


def _decoder(said: ChainPart | None) -> engine.Chain | None:
    if said is None:
        return None
    priors = _optional(said.prior), _optional(said.prior_apart)
    return engine.Chain(_doubles(said.transitions), _doubles(said.initial), *priors)


def _optional(values: Numbers) -> NDArray[np.float64] | None:
    return None if values is None or values is UNSET else _doubles(values)


def _listed(values: NDArray[np.float64] | None) -> Numbers:
    return UNSET if values is None else list(map(float, values))


def _doubles(values: Any) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        raise BadManifest(f"{METADATA}: rows of different length") from None


def golden_of(said: GoldenPart) -> engine.Golden:
    """JSON's null is a gap, which is NaN here."""
    try:
        features = np.array(said.features, dtype=np.float32)
        stages = np.array(said.stages, dtype=np.int8)
        probabilities = np.array(said.probabilities, dtype=np.float32)
    except (ValueError, OverflowError):
        raise BadManifest(f"{METADATA}: a golden vector is no table of numbers") from None
    if not features.ndim == probabilities.ndim == 2 or not len(features) == len(stages):
        raise BadManifest(f"{METADATA}: a golden vector has no stage for each epoch")
    night = engine.Night(features, said.first_index)
    return engine.Golden(said.staging_pass, night, stages, probabilities)


def golden_part(golden: engine.Golden) -> GoldenPart:
    return GoldenPart(
        staging_pass=golden.pass_,
        features=rows_of(golden.night.features),
        stages=golden.stages.tolist(),
        probabilities=rows_of(golden.probabilities),
        first_index=golden.night.first_index,
    )


def rows_of(table: NDArray[Any]) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in table]


def normalisation_part(normalisation: engine.Normalisation) -> FixedPart | NightPart:
    if isinstance(normalisation, engine.RobustNight):
        kept = _listed(normalisation.floor), _listed(normalisation.least)
        return NightPart(normalisation.limit, *kept)
    if isinstance(normalisation, engine.Fixed):
        return FixedPart(normalisation.mean.tolist(), normalisation.scale.tolist())
    raise BadArtifact(f"{normalisation.kind} cannot be written")


def decoder_part(decoder: engine.Chain | None) -> ChainPart | None:
    if decoder is None:
        return None
    prior = None if decoder.prior is None else decoder.prior.tolist()
    return ChainPart(
        decoder.transitions.tolist(), decoder.initial.tolist(), prior, _listed(decoder.prior_apart)
    )
