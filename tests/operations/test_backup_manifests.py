"""Manifests: read as they were written, sealed, and exact about what differs."""

import msgspec
import pytest

from operations import manifests
from operations.checksums import Content
from operations.manifests import BadManifest, File, Manifest, Source

SOURCE = Source("noctis", "postgres", "18.4", None, ("a.0001_initial",))
MANIFEST = Manifest(
    format=manifests.FORMAT,
    taken_at="2026-01-01T00:00:00+00:00",
    source=SOURCE,
    tables={"public.a": Content(2, "0" * 32), "public.b": Content(0, "0" * 32)},
    file=File("a.dump", 10, "f" * 64),
)
KEY = bytes(range(32))


@pytest.mark.parametrize("secret", [None, KEY])
def test_a_manifest_is_read_as_it_was_written(secret: bytes | None) -> None:
    read = manifests.decode(manifests.encode(MANIFEST, secret=secret))

    manifests.require_seal(read, secret=secret)

    assert msgspec.structs.replace(read, seal="") == MANIFEST
    assert (read.row_count, read.source.major) == (2, 18)


@pytest.mark.parametrize("secret", [None, KEY])
def test_a_changed_number_breaks_the_seal(secret: bytes | None) -> None:
    text = manifests.encode(MANIFEST, secret=secret).replace(b'"rows": 2', b'"rows": 3')

    read = manifests.decode(text)

    assert read.row_count == 3
    with pytest.raises(BadManifest, match="seal"):
        manifests.require_seal(read, secret=secret)


def test_a_seal_without_the_key_is_none() -> None:
    forged = manifests.decode(manifests.encode(MANIFEST, secret=None))

    with pytest.raises(BadManifest):
        manifests.require_seal(forged, secret=KEY)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"format": "noctis-backup/1"}',
        manifests.encode(MANIFEST, secret=None).replace(b"backup/1", b"backup/2"),
        manifests.encode(MANIFEST, secret=None).replace(b'"seal"', b'"also": 1, "seal"'),
    ],
)
def test_what_is_no_manifest_is_refused_in_one_line(text: bytes) -> None:
    with pytest.raises(BadManifest) as refused:
        manifests.decode(text)

    assert "\n" not in str(refused.value)


def test_each_difference_is_a_line_of_its_own() -> None:
    found = {
        "public.a": Content(1, "0" * 32),
        "public.c": Content(1, "0" * 32),
    }

    assert manifests.differences(MANIFEST.tables, found) == [
        "public.a: 1 rows instead of 2",
        "public.b: the table is missing",
        "public.c: the backup had no such table",
    ]
    assert manifests.differences(MANIFEST.tables, MANIFEST.tables) == []
