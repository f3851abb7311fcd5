"""What a backup says of itself, in a JSON file beside it: sealed, read back, compared. Pure."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping

import msgspec

from operations.checksums import Content

FORMAT = "noctis-backup/1"
LARGEST = 16 * 1024 * 1024


class BadManifest(Exception):
    """Says in one line why this is not the manifest of a backup."""


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    size_bytes: int
    sha256: str


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The database as it was: which server, which edition, which migrations."""

    database: str
    edition: str
    postgresql: str
    timescaledb: str | None
    migrations: tuple[str, ...]

    @property
    def major(self) -> int:
        return int(self.postgresql.partition(".")[0])


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    taken_at: str
    source: Source
    tables: dict[str, Content]
    file: File
    key_id: str | None = None
    seal: str = ""

    @property
    def row_count(self) -> int:
        return sum(table.rows for table in self.tables.values())


def encode(manifest: Manifest, *, secret: bytes | None) -> bytes:
    """As JSON that a person can read, sealed: with the key where there is one."""
    sealed = msgspec.structs.replace(manifest, seal=_seal(manifest, secret))
    return msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n"


def decode(text: bytes) -> Manifest:
    """Read without believing: `require_seal` comes next, with the key that `key_id` names."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise BadManifest(f"it cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BadManifest(f"its format is {manifest.format[:40]}, this version reads {FORMAT}")
    return manifest


def require_seal(manifest: Manifest, *, secret: bytes | None) -> None:
    if not hmac.compare_digest(manifest.seal.encode(), _seal(manifest, secret).encode()):
        raise BadManifest("its seal does not hold: it was changed after the backup")


def differences(expected: Mapping[str, Content], found: Mapping[str, Content]) -> list[str]:
    """A line for each table that is not what the manifest says."""
    return [*_differences(expected, found)]


def _differences(expected: Mapping[str, Content], found: Mapping[str, Content]) -> Iterator[str]:
    for name in sorted({*expected, *found}):
        if name not in found:
            yield f"{name}: the table is missing"
        elif name not in expected:
            yield f"{name}: the backup had no such table"
        elif expected[name].rows != found[name].rows:
            yield f"{name}: {found[name].rows} rows instead of {expected[name].rows}"
        elif expected[name].checksum != found[name].checksum:
            yield f"{name}: as many rows ({found[name].rows}), with other content"


def _seal(manifest: Manifest, secret: bytes | None) -> str:
    bare = msgspec.structs.replace(manifest, seal="")
    text = msgspec.json.encode(bare, order="sorted")
    if secret is None:
        return hashlib.sha256(text).hexdigest()
    return hmac.new(secret, b"noctis backup manifest\0" + text, hashlib.sha256).hexdigest()
