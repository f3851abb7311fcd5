"""A model's files as bytes: read without following anything, hashed, kept whole or not at all."""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from inference.artifacts.faults import (
    ArtifactMissing,
    FileMissing,
    FileUnexpected,
    Linked,
    OutOfFolder,
    Pickled,
    WrongHash,
    WrongSize,
)
from inference.artifacts.manifest import METADATA, FileEntry

Files = Mapping[str, bytes]
LARGEST_FILE = 512 * 1024 * 1024
MOST_FILES = 16
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npz", ".h5", ".dill")


def read(folder: Path) -> Files:
    """Every file of a folder, once: what is hashed are the bytes that are loaded."""
    if folder.is_symlink():
        raise Linked(f"{folder.name} is a symbolic link")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactMissing(f"there is no folder {folder.name}") from None
    if len(entries) > MOST_FILES:
        raise FileUnexpected(f"{len(entries)} files, at most {MOST_FILES}")
    return {entry.name: _bytes_of(entry) for entry in entries}


def _bytes_of(entry: os.DirEntry[str]) -> bytes:
    if entry.is_symlink():
        raise Linked(f"{entry.name} is a symbolic link")
    if not entry.is_file(follow_symlinks=False):
        raise FileUnexpected(f"{entry.name} is no plain file")
    if entry.name.lower().endswith(PICKLES):
        raise Pickled(f"{entry.name} may hold a pickle")
    if entry.stat(follow_symlinks=False).st_size > LARGEST_FILE:
        raise WrongSize(f"{entry.name} is larger than {LARGEST_FILE} bytes")
    # Looked at again by the kernel: the entry may have been replaced since.
    number = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as file:
        return file.read(LARGEST_FILE + 1)


def check_named(files: Files, named: Mapping[str, FileEntry]) -> None:
    """Refuse files other than those named, in name, size and hash."""
    for name in named:
        if PurePosixPath(name).name != name or name in ("", ".", "..") or "\\" in name:
            raise OutOfFolder("a file's name in the manifest is a path")
    there = files.keys() - {METADATA}
    if unexpected := there - named.keys():
        raise FileUnexpected(f"not in the manifest: {', '.join(sorted(unexpected))}")
    if missing := named.keys() - there:
        raise FileMissing(f"missing: {', '.join(sorted(missing))}")
    for name, entry in named.items():
        if len(files[name]) != entry.size:
            raise WrongSize(f"{name} has {len(files[name])} bytes, not {entry.size}")
        if hashlib.sha256(files[name]).hexdigest() != entry.sha256:
            raise WrongHash(f"{name} does not have the hash of the manifest")


def entries_of(files: Files) -> dict[str, FileEntry]:
    return {
        name: FileEntry(len(raw), hashlib.sha256(raw).hexdigest())
        for name, raw in sorted(files.items())
    }


def digest_of(files: Files) -> str:
    """The artifact hash: SHA-256 over name, size and hash of every file, metadata.json included."""
    rows = [[name, entry.size, entry.sha256] for name, entry in entries_of(files).items()]
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def keep(files: Files, folder: Path) -> None:
    """Write a folder so that it is there whole or not at all, a power cut included.

    One that is there already stays: FileExistsError."""
    with _written(files, folder) as draft:
        _move(draft, folder)


def replace(files: Files, folder: Path) -> Path | None:
    """The same, but what is there gives way once the new one is whole; answers where to."""
    with _written(files, folder) as draft:
        aside = _set_aside(folder)
        _move(draft, folder)
    return aside


@contextmanager
def _written(files: Files, folder: Path) -> Iterator[Path]:
    """A draft beside the folder that reads back as it was written; whatever is left of it goes."""
    for name in files:
        if PurePosixPath(name).name != name:
            raise OutOfFolder(f"{name} is a path")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".incoming-{uuid.uuid4().hex}"
    draft.mkdir()
    try:
        for name, raw in files.items():
            _write(draft / name, raw)
        _sync(draft)
        if digest_of(read(draft)) != digest_of(files):
            raise WrongHash("what was written reads back differently")
        yield draft
        _sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _set_aside(folder: Path) -> Path | None:
    aside = folder.parent / f".aside-{folder.name}-{uuid.uuid4().hex}"
    try:
        return folder.rename(aside)
    except FileNotFoundError:
        return None


def _move(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise FileExistsError(folder) from None
        raise


def _write(path: Path, raw: bytes) -> None:
    with path.open("xb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
