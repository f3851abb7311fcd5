"""A backup's two files: written aside and brought into place together, found again, checked.

Nothing is believed that was not compared with the manifest, nor any manifest without its seal."""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from operations import manifests
from operations.manifests import BadManifest, Manifest
from operations.services.backup import sealing
from operations.services.backup.refusals import (
    BackupCorrupted,
    BackupExists,
    BackupMissing,
    BackupNotWritten,
    ManifestInvalid,
    ManifestMissing,
    ManifestOfAnother,
    WrongKey,
)
from operations.services.backup.sealing import Key, Unsealable

MANIFEST = ".manifest.json"
DRAFT = ".partial"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Archive:
    """A backup's file beside a manifest that holds."""

    path: Path
    manifest: Manifest
    key: Key | None


def manifest_path(path: Path) -> Path:
    """Say where a backup's manifest lies: beside it."""
    return path.with_name(path.name + MANIFEST)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system refuses into a line that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            detail = f"The disk under {path.parent} is full: make room, or choose another folder."
        else:
            reason = error.strerror or str(error)
            detail = f"{path.parent} cannot be written ({reason}): choose another folder."
        raise BackupNotWritten(detail) from error


class Draft:
    """A private file beside the wanted one, gone unless it is published.

    Its lock says that somebody is writing; the kernel lets go of it when the writer dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draft = path.with_name(f".{path.name}-{os.urandom(4).hex()}{DRAFT}")

    def __enter__(self) -> IO[bytes]:
        descriptor = os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.file = os.fdopen(descriptor, "wb")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return self.file

    def __exit__(self, *_: object) -> None:
        try:
            self.file.close()
        finally:
            self.draft.unlink(missing_ok=True)
            manifest_path(self.draft).unlink(missing_ok=True)

    def publish(self, manifest: bytes) -> None:
        """Bring both into place. The manifest first: a file that is there can be checked."""
        beside = manifest_path(self.draft)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(manifest)
            file.flush()
            os.fsync(file.fileno())
        refuse_existing(self.path)
        beside.rename(manifest_path(self.path))
        self.draft.rename(self.path)
        synchronise(self.path.parent)


def refuse_existing(path: Path) -> None:
    """Never write over a backup."""
    if path.exists():
        raise BackupExists(f"{path} is there already: choose another name, or move it away.")


def synchronise(folder: Path) -> None:
    """Let the folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove what writers left that were killed; one that still writes holds its lock."""
    for draft in folder.glob(f".*{DRAFT}"):
        with draft.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            manifest_path(draft).unlink(missing_ok=True)
            draft.unlink(missing_ok=True)


def keys() -> list[Key]:
    """Read the key ring: the first encrypts."""
    return [Key.parsed(text) for text in settings.BACKUP_ENCRYPTION_KEYS]


def opened(path: Path) -> Archive:
    """Find a backup with a manifest that holds; its file's bytes are not read yet."""
    if not path.is_file():
        raise BackupMissing(f"There is no file {path}; {settings.BACKUP_DIR} has the scheduled.")
    beside = manifest_path(path)
    if not beside.is_file():
        raise ManifestMissing(f"{beside.name} is not beside {path.name}: bring it along.")
    try:
        with beside.open("rb") as file:
            manifest = manifests.decode(file.read(manifests.LARGEST))
        key = _key(manifest.key_id, path)
        manifests.require_seal(manifest, secret=key.secret if key else None)
    except BadManifest as error:
        raise ManifestInvalid(f"{beside.name}: {error}. Use another backup.") from None
    return Archive(path, manifest, key)


def require_whole(*, archive: Archive) -> None:
    """Read every byte of the file and compare it with the manifest."""
    wanted, digest = archive.manifest.file, hashlib.sha256()
    size = archive.path.stat().st_size
    if size == wanted.size_bytes:
        with archive.path.open("rb") as file:
            for chunk in sealing.chunks(file):
                digest.update(chunk)
    if (size, digest.hexdigest()) == (wanted.size_bytes, wanted.sha256):
        return
    if wanted.name != archive.path.name:
        raise ManifestOfAnother(
            f"The manifest beside {archive.path.name} tells of {wanted.name}: "
            "put each backup beside its own."
        )
    found = "its bytes were changed" if size == wanted.size_bytes else f"it has {size} bytes"
    raise BackupCorrupted(
        f"{archive.path.name} is not what was written ({wanted.size_bytes} bytes, "
        f"{wanted.sha256[:12]}): {found}. Use another backup."
    )


def read(archive: Archive) -> Iterator[bytes]:
    """Read the dump itself, decrypted where it was encrypted."""
    with archive.path.open("rb") as file:
        if archive.key is None:
            yield from sealing.chunks(file)
            return
        try:
            yield from sealing.opened(file=file, key=archive.key)
        except Unsealable as error:
            raise BackupCorrupted(f"{archive.path.name}: {error}. Use another backup.") from None


def _key(key_id: str | None, path: Path) -> Key | None:
    if key_id is None:
        return None
    for key in keys():
        if key.id == key_id:
            return key
    raise WrongKey(
        f"{path.name} is encrypted with key {key_id}, which BACKUP_ENCRYPTION_KEYS does not have: "
        "add it at the end."
    )
