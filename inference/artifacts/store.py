"""Where artifacts are kept, by version; a folder of this machine for now."""

from pathlib import Path
from typing import Protocol

import structlog

from inference.artifacts import folder
from inference.artifacts.faults import ArtifactTaken, BadArtifact, OutOfFolder
from inference.artifacts.folder import Files
from inference.artifacts.manifest import METADATA
from inference.lifecycle import is_version_name

log = structlog.get_logger(__name__)


class Store(Protocol):
    def versions(self) -> list[str]:
        """The versions that are kept, in order."""
        ...

    def read(self, version: str) -> Files:
        """Every file of a version as it is there now, unchecked."""
        ...

    def keep(self, version: str, files: Files) -> None:
        """Keep a version whole or not at all; the same bytes again change nothing."""
        ...

    def mend(self, version: str, files: Files) -> None:
        """Keep what the registry vouches for: other bytes are damage or left over, and give way."""
        ...


class LocalStore:
    """`root`/<version>/; another store would put its copies into one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def versions(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(path.parent.name for path in self.root.glob(f"[a-z0-9]*/{METADATA}"))

    def read(self, version: str) -> Files:
        return folder.read(self._folder(version))

    def keep(self, version: str, files: Files) -> None:
        place = self._folder(version)
        if not (place.exists() or place.is_symlink()):
            try:
                folder.keep(files, place)
            except FileExistsError:
                # Somebody else kept it at the same moment.
                pass
            else:
                return
        if folder.digest_of(folder.read(place)) != folder.digest_of(files):
            raise ArtifactTaken(f"the store has another {version}")

    def mend(self, version: str, files: Files) -> None:
        place = self._folder(version)
        if _holds(place, files):
            return
        if aside := folder.replace(files, place):
            log.warning("artifact_set_aside", version=version, folder=aside.name)

    def _folder(self, version: str) -> Path:
        if not is_version_name(version):
            raise OutOfFolder("a version is a name, never a path")
        return self.root / version


def _holds(place: Path, files: Files) -> bool:
    try:
        return folder.digest_of(folder.read(place)) == folder.digest_of(files)
    except BadArtifact:
        return False
