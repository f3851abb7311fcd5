"""What a model's folder says of itself: three JSON files, read strictly; docs/models/format.md."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from inference.artifacts import documents
from inference.artifacts.faults import BadManifest
from inference.lifecycle import is_version_name
from recordings import schemas, stages
from recordings.schemas import Feature

LABEL_MAP, SCHEMA, METADATA, CARD = (
    "label_map.json",
    "feature_schema.json",
    "metadata.json",
    "card.md",
)
LABELS = {stage.name for stage in stages.STAGES if stage.shown} | set(stages.SHOWN)
Pass = Literal["live", "night"]
Epochs = Annotated[int, Meta(ge=0, le=2_880)]
Row = list[float | None]
# What came later is left out where it is not used: older folders keep their bytes.
Numbers = list[float] | UnsetType | None


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A typo in a manifest is a refusal, not a default."""


class WindowPart(Part, frozen=True):
    before: Epochs
    after: Epochs
    minimum_known: Epochs


class FixedPart(Part, frozen=True, tag="fixed", tag_field="kind"):
    """Mean and scale from training, in the features' order."""

    mean: list[float]
    scale: list[float]


class NightPart(Part, frozen=True, tag="night", tag_field="kind"):
    """Median and interquartile range of the night itself."""

    limit: float = 10.0
    # The least spread that counts, in the features' order.
    floor: Numbers = UNSET
    # The least magnitude whose logarithm counts, 0 where the value itself does.
    least: Numbers = UNSET


class LinearPart(Part, frozen=True, tag="linear", tag_field="kind"):
    """weights.npy (window * columns, labels) or (columns, labels), bias.npy (labels,)."""


class ClockPart(Part, frozen=True, tag="clock", tag_field="kind"):
    """weights.npy (bins, labels)."""

    epochs_per_bin: Annotated[int, Meta(ge=1, le=2_880)]


class NetworkPart(Part, frozen=True, tag="onnx", tag_field="kind"):
    """model.onnx: (batch, epochs, columns) -> (batch, epochs, labels)."""


class ChainPart(Part, frozen=True, tag="chain", tag_field="kind"):
    """Transition probabilities, from row to column, and those of the first epoch."""

    transitions: list[list[float]]
    initial: list[float]
    prior: list[float] | None = None
    # Of the nights that `apart_by` tells apart.
    prior_apart: Numbers = UNSET


class Source(Part, frozen=True):
    """What it was trained on, and on whose terms."""

    name: str
    licence: str
    attribution: str
    url: str = ""


class Training(Part, frozen=True):
    data: list[Source]
    seed: int
    code_revision: str
    recipe: dict[str, Any] = {}


class GoldenPart(Part, frozen=True):
    """A night and what a pass answers for each epoch; null for what is not there."""

    staging_pass: Pass = field(name="pass")
    features: list[Row]
    stages: list[int]
    probabilities: list[Row]
    first_index: Epochs = 0


class FileEntry(Part, frozen=True):
    size: int
    sha256: str


class Metadata(Part, frozen=True):
    format: Literal[1]
    version: str
    # Which passes it offers, and so what it may serve.
    passes: Annotated[list[Pass], Meta(min_length=1, max_length=2)]
    window: WindowPart
    columns: list[str]
    normalisation: FixedPart | NightPart
    head: LinearPart | ClockPart | NetworkPart
    training: Training
    golden: list[GoldenPart]
    # Of the features, those that tell of a sleeper: an epoch without any is unknown.
    evidence: Annotated[list[str], Meta(min_length=1)]
    # Every other file of the folder.
    files: dict[str, FileEntry]
    # Epochs before its window that a live stage takes into account.
    history: Epochs = 0
    decoder: ChainPart | None = None
    temperature: Annotated[float, Meta(gt=0)] = 1.0
    # The features that the columns see, by name; none named is all.
    sees: list[str] | UnsetType = UNSET
    # Of those, the one that tells nights which know it apart from others.
    apart_by: str | UnsetType | None = UNSET
    # Not to be relied upon; shown wherever its stages are.
    is_experimental: bool = True
    summary: str = ""
    metrics: dict[str, Any] = {}
    drift_reference: dict[str, Any] = {}


@dataclass(frozen=True)
class Manifest:
    """A folder's three documents, its card, and the hash that stands for all its bytes."""

    metadata: Metadata
    labels: tuple[str, ...]
    schema_version: str
    features: tuple[Feature, ...]
    artifact_hash: str
    card: str = ""

    @property
    def version(self) -> str:
        return self.metadata.version

    @property
    def passes(self) -> tuple[str, ...]:
        return tuple(sorted(self.metadata.passes))

    @property
    def schema_digest(self) -> str:
        return schemas.digest_of(self.features)

    @property
    def facts(self) -> dict[str, Any]:
        """All that is worth a row: without the vectors of the self-test."""
        plain: dict[str, Any] = msgspec.to_builtins(self.metadata)
        del plain["golden"]
        return plain | {"labels": list(self.labels), "card": self.card}


def metadata_of(raw: bytes) -> Metadata:
    metadata: Metadata = documents.decoded(METADATA, raw, Metadata)
    if not is_version_name(metadata.version):
        raise BadManifest(f"{METADATA}: the version is no name")
    if len(set(metadata.passes)) != len(metadata.passes):
        raise BadManifest(f"{METADATA}: a pass is named twice")
    return metadata


def labels_of(raw: bytes) -> tuple[str, ...]:
    """`{"0": "W", …}`: what each logit stands for, by a stage's name."""
    named = documents.decoded(LABEL_MAP, raw, dict[str, str])
    if list(named) != [str(place) for place in range(len(named))] or len(named) < 2:
        raise BadManifest(f"{LABEL_MAP}: expected two or more stages from 0 on, in order")
    labels = tuple(named.values())
    if not set(labels) <= LABELS or len({stages.code_of(name) for name in labels}) < len(labels):
        known = ", ".join(sorted(LABELS))
        raise BadManifest(f"{LABEL_MAP}: stages are {known}, each at most once")
    return labels


def schema_of(raw: bytes) -> tuple[str, tuple[Feature, ...]]:
    try:
        return schemas.written(documents.decoded(SCHEMA, raw, dict[str, Any]))
    except schemas.BadSchema as error:
        raise BadManifest(f"{SCHEMA}: {error}") from None
