"""From a trained model to its folder; what was written is loaded and tested before it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from inference import engine
from inference.artifacts import arrays, assembly, folder
from inference.artifacts.faults import ArtifactTaken, BadArtifact
from inference.artifacts.loading import Loaded, loaded
from inference.artifacts.manifest import (
    CARD,
    LABEL_MAP,
    METADATA,
    SCHEMA,
    ClockPart,
    LinearPart,
    Metadata,
    NetworkPart,
    Pass,
    Training,
    WindowPart,
)
from recordings import schemas
from recordings.schemas import Feature


@dataclass(frozen=True)
class Draft:
    """A model with all that its folder says of it. `network` are the bytes of an ONNX head."""

    version: str
    passes: tuple[Pass, ...]
    model: engine.Model
    schema_version: str
    features: tuple[Feature, ...]
    golden: tuple[engine.Golden, ...]
    training: Training
    is_experimental: bool = True
    summary: str = ""
    card: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    drift_reference: Mapping[str, Any] = field(default_factory=dict)
    network: bytes = b""


def write(path: Path, draft: Draft) -> Loaded:
    """Write a folder that is not there yet, after the same checks as an import."""
    files = files_of(draft)
    found = loaded(files)
    try:
        folder.keep(files, path)
    except FileExistsError:
        raise ArtifactTaken(f"{path.name} is there already") from None
    return found


def files_of(draft: Draft) -> dict[str, bytes]:
    """The folder as bytes by name: the same draft gives the same bytes."""
    head, files = _head(draft)
    labels = {str(place): name for place, name in enumerate(draft.model.labels)}
    schema = {"version": draft.schema_version, "features": schemas.as_rows(draft.features)}
    files |= {LABEL_MAP: _json(labels), SCHEMA: _json(schema)}
    if draft.card:
        files[CARD] = draft.card.encode()
    return files | {METADATA: _json(_metadata(draft, head, files))}


def _metadata(
    draft: Draft, head: LinearPart | ClockPart | NetworkPart, files: dict[str, bytes]
) -> Metadata:
    model = draft.model
    window = model.window
    return Metadata(
        format=1,
        version=draft.version,
        passes=list(draft.passes),
        window=WindowPart(window.before, window.after, window.minimum_known),
        evidence=list(model.evidence),
        columns=list(model.columns.steps),
        sees=[model.features[place] for place in model.columns.places] or UNSET,
        apart_by=_apart_by(model),
        normalisation=assembly.normalisation_part(model.normalisation),
        head=head,
        decoder=assembly.decoder_part(model.decoder),
        temperature=model.temperature,
        history=model.history,
        training=draft.training,
        is_experimental=draft.is_experimental,
        summary=draft.summary,
        metrics=dict(draft.metrics),
        drift_reference=dict(draft.drift_reference),
        golden=[assembly.golden_part(golden) for golden in draft.golden],
        files=folder.entries_of(files),
    )


def _apart_by(model: engine.Model) -> str | UnsetType:
    place = model.columns.apart_by
    return UNSET if place is None else model.columns.seen(model.features)[place]


def _head(draft: Draft) -> tuple[LinearPart | ClockPart | NetworkPart, dict[str, bytes]]:
    head = draft.model.head
    if isinstance(head, engine.Linear):
        weights, bias = arrays.written(head.weights), arrays.written(head.bias)
        return LinearPart(), {assembly.WEIGHTS: weights, assembly.BIAS: bias}
    if isinstance(head, engine.Clock):
        table = {assembly.WEIGHTS: arrays.written(head.table)}
        return ClockPart(epochs_per_bin=head.epochs_per_bin), table
    if not draft.network:
        raise BadArtifact("a network is written from the bytes that its session was opened on")
    return NetworkPart(), {assembly.NETWORK: draft.network}


def _json(value: Any) -> bytes:
    """One key a line at the top, so that a change of a manifest can be read."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"
