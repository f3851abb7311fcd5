"""A model on disk: its manifest, its hashes, how it is read, checked and kept; no Django."""

from inference.artifacts.loading import Loaded, load, loaded, manifest_of
from inference.artifacts.manifest import Manifest, Metadata, Source, Training
from inference.artifacts.store import LocalStore, Store
from inference.artifacts.writing import Draft, files_of, write

__all__ = [
    "Draft",
    "Loaded",
    "LocalStore",
    "Manifest",
    "Metadata",
    "Source",
    "Store",
    "Training",
    "files_of",
    "load",
    "loaded",
    "manifest_of",
    "write",
]
