"""A .npy header is text from elsewhere: whatever it says, it is an array or a fault with a name."""

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from inference.artifacts import arrays, faults

VALUES = np.arange(12, dtype=np.float32).reshape(3, 4)


def saved(array: Any = VALUES, version: tuple[int, int] = (1, 0)) -> bytes:
    file = BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version, allow_pickle=True)
    return file.getvalue()


def headed(text: bytes, version: tuple[int, int] = (1, 0), values: bytes = b"\0" * 16) -> bytes:
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + values


def of_shape(shape: bytes, values: int = 4) -> bytes:
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + b", }\n"
    return headed(text, values=b"\0" * 4 * values)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("array", [VALUES, np.asfortranarray(VALUES), VALUES[0], VALUES[0, 0]])
@pytest.mark.filterwarnings("ignore:Stored array in format")
def test_what_numpy_writes_is_read(array: np.ndarray, version: tuple[int, int]) -> None:
    found = arrays.read("bias.npy", saved(array, version))

    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


HEADER = saved()[10:-48]
REFUSED: dict[str, bytes] = {
    "a version to come": headed(HEADER, (9, 9), VALUES.tobytes()),
    "a minor version": headed(HEADER, (1, 7), VALUES.tobytes()),
    "no version": headed(HEADER, (0, 0), VALUES.tobytes()),
    "half a beginning": b"\x93NUM",
    "half a length": b"\x93NUMPY\x02\x00\x10",
    "half a header": saved()[:40],
    "an empty header": headed(b""),
    "a header of blanks": headed(b" " * 100 + b"\n"),
    "a bracket that stays open": headed(b"{'descr': (\n"),
    "a list for a key": headed(b"{[]: 1}\n"),
    "six thousand signs": headed(b"-" * 6_000 + b"1\n"),
    "brackets in brackets": headed(b"[" * 6_000 + b"]" * 6_000),
    "no text": headed(bytes(range(128, 256))),
    "a NUL": headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\0\n"),
    "a letter that is no sign of Python's": headed("{'descr': '<f4', é}\n".encode()),
    "more members": headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'a': 1}\n"),
    "a longer header than its length": headed(b"{'descr': '<f4'}" + b" " * 70_000, (2, 0)),
    "71 sides": of_shape(b"(" + b"1, " * 70 + b"4)"),
    "9 sides": of_shape(b"(" + b"1, " * 8 + b"4)"),
    "a side without end": of_shape(b"(" + b"9" * 5_000 + b",)"),
    "no values": saved(VALUES[:0]),
    "no values, and a side without end": of_shape(b"(0, 9999999999999999999)", 0),
    "no values, and a side as long as can be": of_shape(b"(0, 999999999999999999)", 0),
    "a side below nought": of_shape(b"(-4,)"),
    "a side of words": of_shape(b"(four,)"),
    "a side and a half": of_shape(b"(4.0,)"),
    "a number for a shape": of_shape(b"4"),
    "a number in brackets": of_shape(b"(4)"),
    "doubles": saved(VALUES.astype(np.float64)),
    "bytes the other way round": saved(VALUES.astype(">f4")),
    "records": saved(np.zeros(2, dtype=[("a", "<f4"), ("b", "<f4")])),
    "words": saved(np.array(["abcd"])),
    "values missing": saved()[:-4],
    "values left": saved() + b"\0" * 4,
    "nothing": b"",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_a_header_that_cannot_be_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(faults.BadArtifact, match=r"^bias\.npy ") as refused:
        arrays.read("bias.npy", raw)

    assert type(refused.value) is faults.BadArtifact
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("array", [np.array([object]), np.array([{}, None])])
def test_objects_are_refused_as_the_pickle_they_are(array: np.ndarray) -> None:
    with pytest.raises(faults.Pickled):
        arrays.read("bias.npy", saved(array))


PIECES = [
    *(b"(", b")", b"[", b"]", b"{", b"}", b"'", b'"', b",", b":", b"-", b"0", b"9", b"L", b"\\"),
    *(b"\0", b"\n", b"\xff", b"#", b"e9", b"True", b"None", b"'descr'", b"(1,)", b"-" * 300),
    *(b"9" * 30, b"[" * 300, b"|O", b"<f8", b"'shape': (4,), ", b"lambda: 1", b"1if 1else 2"),
]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.filterwarnings("ignore:Stored array in format")
def test_a_header_that_was_changed_is_an_array_or_a_fault_with_a_name(
    version: tuple[int, int],
) -> None:
    """Bytes turned, pieces put in and taken out; lengths put right half of the time."""
    random, whole = np.random.default_rng(version), saved(version=version)
    begin = 10 if version[0] == 1 else 12
    header, values = whole[begin:-48], whole[-48:]
    read = refused = 0

    for turn in range(400):
        raw = headed(_changed(random, header), version, values)
        if turn % 4 == 0:
            raw = _changed(random, raw)
        elif turn % 4 == 1:
            raw = whole[:begin] + raw[begin:]
        try:
            found = arrays.read("bias.npy", raw)
        except faults.BadArtifact:
            refused += 1
        else:
            read += 1
            assert found.dtype == np.float32
            assert found.nbytes <= len(raw)

    assert read > 4
    assert refused > 200


def _changed(random: np.random.Generator, raw: bytes) -> bytes:
    for _ in range(random.integers(1, 4)):
        at, kind = int(random.integers(len(raw) + 1)), random.integers(3)
        if kind == 0:
            raw = raw[:at] + bytes([random.integers(256)]) + raw[at + 1 :]
        elif kind == 1:
            raw = raw[:at] + PIECES[random.integers(len(PIECES))] + raw[at:]
        else:
            raw = raw[:at] + raw[at + int(random.integers(1, 20)) :]
    return raw
