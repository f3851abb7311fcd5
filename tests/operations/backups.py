"""What the tests of backups share: a platform with nights in it, and files that tell of others."""

from pathlib import Path

import msgspec

from operations import manifests
from operations.manifests import Manifest
from operations.models import Backup
from operations.services.backup import dump
from operations.services.backup.files import manifest_path
from recordings.models import Recording
from tests.factories import ACTOR, DeviceFactory, TenantFactory
from tests.recordings.full_nights import full_night

EPOCHS = "public.recordings_epoch"


def some_night(count: int = 20) -> Recording:
    return full_night(DeviceFactory(tenant=TenantFactory()), count=count)


def take(path: Path) -> Backup:
    return dump.take_backup(path=path, actor=ACTOR)


def manifest_of(path: Path) -> Manifest:
    return manifests.decode(manifest_path(path).read_bytes())


def let_it_tell_of_the_epochs_of(other: Path, path: Path) -> None:
    """A manifest that holds, of this very file, with the epochs that another backup had."""
    manifest = manifest_of(path)
    tables = manifest.tables | {EPOCHS: manifest_of(other).tables[EPOCHS]}
    mixed = msgspec.structs.replace(manifest, tables=tables)
    manifest_path(path).write_bytes(manifests.encode(mixed, secret=None))


def flip_a_byte(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (before,) = file.read(1)
        file.seek(at)
        file.write(bytes([before ^ 1]))


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
