"""Where snapshots lie as files: called by what they hash to, there whole or not at all."""

import os
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from mlops.datasets import Snapshot, SnapshotUnfit, unpacked
from mlops.models import Dataset
from noctis import errors


class SnapshotMissing(errors.Conflict):
    row = errors.registered(
        "snapshot_missing",
        409,
        "The snapshot's file is not there",
        "The file was taken away with an erased night, is not on this machine, or was changed.",
        "Build another: `manage.py dataset build`. The detail says which it is.",
    )


def path_of(*, dataset: Dataset) -> Path:
    """Say where a snapshot's file is, or would be."""
    return settings.DATASETS_DIR / f"{dataset.file_sha256}.npz"


def keep_file(*, raw: bytes) -> str:
    """Write a snapshot under its hash; the same bytes again change nothing."""
    digest = sha256(raw).hexdigest()
    folder = settings.DATASETS_DIR
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".incoming-{uuid4().hex}"
    try:
        with draft.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / f"{digest}.npz")
    finally:
        draft.unlink(missing_ok=True)
    return digest


def read_file(*, dataset: Dataset) -> bytes:
    """Read a snapshot's file, every byte as it was written, or refuse."""
    if dataset.withdrawn_at is not None:
        raise SnapshotMissing("A night of it was erased, and the file with it.")
    try:
        raw = path_of(dataset=dataset).read_bytes()
    except OSError:
        raise SnapshotMissing("There is no such file on this machine.") from None
    if sha256(raw).hexdigest() != dataset.file_sha256:
        raise SnapshotMissing("The file is not what was written.")
    return raw


def read_snapshot(*, dataset: Dataset) -> Snapshot:
    """Read the nights of a snapshot, checked by its content as well."""
    try:
        snapshot = unpacked(read_file(dataset=dataset))
    except SnapshotUnfit as fault:
        raise SnapshotMissing(str(fault)) from None
    if snapshot.checksum != dataset.checksum:
        raise SnapshotMissing("Its content has another checksum.")
    return snapshot


def remove_file(*, dataset: Dataset) -> None:
    """Delete a snapshot's file, if it is there."""
    if dataset.file_sha256:
        path_of(dataset=dataset).unlink(missing_ok=True)
