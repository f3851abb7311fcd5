"""Encrypted backups: read back with their key alone, and whatever was done to them is noticed."""

import io
import os
from pathlib import Path

import pytest

from operations.services.backup import sealing
from operations.services.backup.sealing import CHUNK, TAG, Key, Sealed, Unsealable

KEY = Key(bytes(range(32)))
HEADER = 8 + 8 + 32


def sealed(path: Path, data: bytes, key: Key = KEY, piece: int = 300_000) -> bytes:
    with path.open("wb") as file:
        sink = Sealed(file, key)
        for start in range(0, len(data), piece):
            sink.write(data[start : start + piece])
        sink.finish()
    text = path.read_bytes()
    assert sink.size_bytes == len(text)
    return text


def opened(text: bytes, key: Key = KEY) -> bytes:
    return b"".join(sealing.opened(file=io.BytesIO(text), key=key))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])
def test_what_was_sealed_is_read_back(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)

    text = sealed(tmp_path / "a", data)

    assert opened(text) == data
    assert data[:100] not in text or size < 20


def test_the_same_twice_is_sealed_differently(tmp_path: Path) -> None:
    first, second = sealed(tmp_path / "a", b"night"), sealed(tmp_path / "b", b"night")

    assert first[HEADER:] != second[HEADER:]


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    text = sealed(tmp_path / "a", b"night")

    with pytest.raises(Unsealable):
        opened(text, Key(bytes(32)))


@pytest.mark.parametrize("at", [0, 9, 20, HEADER, HEADER + CHUNK, -1], ids=str)
def test_a_flipped_byte_is_noticed_wherever_it_is(tmp_path: Path, at: int) -> None:
    text = bytearray(sealed(tmp_path / "a", os.urandom(2 * CHUNK)))

    text[at] ^= 1

    with pytest.raises(Unsealable):
        opened(bytes(text))


def whole(text: bytes) -> list[bytes]:
    step = CHUNK + TAG
    return [text[start : start + step] for start in range(HEADER, len(text), step)]


@pytest.mark.parametrize(
    "order", [[0, 1], [0], [], [1, 0, 2], [0, 2], [0, 1, 2, 2]], ids=lambda order: str(order)
)
def test_chunks_cannot_be_cut_off_swapped_left_out_or_repeated(
    tmp_path: Path, order: list[int]
) -> None:
    text = sealed(tmp_path / "a", os.urandom(3 * CHUNK))
    parts = whole(text)

    with pytest.raises(Unsealable):
        opened(text[:HEADER] + b"".join(parts[number] for number in order))


def test_chunks_of_two_files_cannot_be_mixed(tmp_path: Path) -> None:
    first = sealed(tmp_path / "a", os.urandom(2 * CHUNK))
    second = sealed(tmp_path / "b", os.urandom(2 * CHUNK))

    with pytest.raises(Unsealable):
        opened(first[:HEADER] + whole(first)[0] + whole(second)[1])


def test_a_keys_name_tells_nothing_of_it() -> None:
    assert KEY.secret.hex()[:16] != KEY.id
    assert len(KEY.id) == 16
    assert Key(bytes(32)).id != KEY.id
