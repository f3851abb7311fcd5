"""The scheduled backups in their folder: named by time, the newest kept, a good one always."""

from collections.abc import Sequence
from pathlib import Path

import structlog
from django.conf import settings
from django.utils import timezone

from noctis import errors
from operations.models import Backup, Restoration
from operations.services.backup import dump, files, restore
from operations.services.backup.files import Archive
from operations.services.backup.refusals import BackupMissing
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
PATTERN = "noctis-*.dump"


def take_scheduled(*, actor: Actor) -> Backup:
    """Take a backup into the folder of backups, and let go of those that are too many."""
    folder = settings.BACKUP_DIR
    path = folder / f"noctis-{timezone.now():%Y%m%dT%H%M%SZ}.dump"
    with files.writing(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = dump.take_backup(path=path, actor=actor)
    rotate(folder=folder, keep=settings.BACKUP_KEEP)
    return taken


def prove_newest(*, actor: Actor) -> Restoration:
    """Restore the newest backup of the folder into a database that is dropped."""
    found = complete(settings.BACKUP_DIR)
    if not found:
        raise BackupMissing(f"{settings.BACKUP_DIR} has no backup: `manage.py backup` takes one.")
    return restore.prove_backup(path=found[0].path, actor=actor)


def rotate(*, folder: Path, keep: int) -> list[Path]:
    """Remove the oldest backups beyond so many, unless nothing good would be left.

    Broken ones neither count nor go: somebody should look at them."""
    found = complete(folder)
    kept, rest = found[:keep], found[keep:]
    proven = _proven(found)
    if rest and not any(archive.manifest.file.sha256 in proven for archive in kept):
        # None of the kept was ever restored: the newest that was stays beside them.
        spared = next((old for old in rest if old.manifest.file.sha256 in proven), None)
        rest = [old for old in rest if old is not spared]
    if rest and not _has_whole(kept):
        log.error("backups_not_rotated", reason="none of the newest is whole", kept=len(found))
        return []
    for archive in rest:
        _remove(archive.path)
    return [archive.path for archive in rest]


def complete(folder: Path) -> list[Archive]:
    """Find the folder's backups whose manifest holds, newest first."""
    found = []
    for path in sorted(folder.glob(PATTERN), reverse=True):
        try:
            found.append(files.opened(path))
        except errors.Refusal as refusal:
            log.warning("backup_unusable", file=path.name, code=refusal.row.code)
    return found


def _proven(found: Sequence[Archive]) -> set[str]:
    """The files that were once restored and found equal."""
    hashes = [archive.manifest.file.sha256 for archive in found]
    equal = Restoration.objects.filter(outcome=Restoration.Outcome.EQUAL, sha256__in=hashes)
    return set(equal.values_list("sha256", flat=True))


def _has_whole(kept: Sequence[Archive]) -> bool:
    """Is there one that can still be read from its first byte to its last?"""
    for archive in kept:
        try:
            files.require_whole(archive=archive)
        except errors.Refusal as refusal:
            log.warning("backup_unusable", file=archive.path.name, code=refusal.row.code)
        else:
            return True
    return False


def _remove(path: Path) -> None:
    """The file first: a manifest without its file is no backup, and nobody takes it for one."""
    with files.writing(path):
        path.unlink(missing_ok=True)
        files.manifest_path(path).unlink(missing_ok=True)
    Backup.objects.filter(path=str(path.absolute())).update(removed_at=timezone.now())
    log.info("backup_removed", file=path.name)
