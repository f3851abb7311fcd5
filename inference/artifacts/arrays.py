"""Arrays as .npy bytes, never a pickle: the header is believed only as far as the bytes go."""

import io
import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.artifacts.faults import BadArtifact, Pickled

_PICKLE = b"\x80"
_MAGIC = b"\x93NUMPY"
# By version: of how many bytes the length of the header is.
_LENGTHS = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
# numpy evaluates a header as an expression of Python; here it is one spelling, the one it writes.
_HEADER = re.compile(
    rb"\{'descr': '([^'\\]{1,20})', 'fortran_order': (False|True), "
    rb"'shape': \(([^()]{0,200})\), ?\} *\n"
)
_FLOAT32, _OBJECTS = "<f4", "|O"
_MOST_SIDES = 8


def read(name: str, raw: bytes) -> NDArray[np.float32]:
    """A float32 array with finite values."""
    if raw.startswith(_PICKLE):
        raise Pickled(f"{name} is a pickle")
    begin, found = _header(name, raw)
    _check_kind(name, found[1].decode("latin-1"))
    shape = _shape(name, found[3])
    if math.prod(shape) * 4 != len(raw) - begin:
        raise BadArtifact(f"{name} is not as long as its header says")
    order: Any = "F" if found[2] == b"True" else "C"
    array = np.frombuffer(raw, _FLOAT32, offset=begin).reshape(shape, order=order)
    if not np.isfinite(array).all():
        raise BadArtifact(f"{name} holds NaN or infinity")
    return np.array(array, dtype=np.float32, order="C")


def _header(name: str, raw: bytes) -> tuple[int, re.Match[bytes]]:
    """Where the values begin, and what is said of them."""
    at = len(_MAGIC) + 2
    length = _LENGTHS.get((*raw[len(_MAGIC) : at],)) if raw.startswith(_MAGIC) else None
    if length is None:
        raise BadArtifact(f"{name} is no .npy file of version 1.0, 2.0 or 3.0")
    begin = at + length + int.from_bytes(raw[at : at + length], "little")
    found = _HEADER.fullmatch(raw, at + length, begin)
    if found is None:
        raise BadArtifact(f"{name} has no header as numpy writes it")
    return begin, found


def _check_kind(name: str, kind: str) -> None:
    if kind == _OBJECTS:
        raise Pickled(f"{name} holds objects")
    if kind != _FLOAT32:
        raise BadArtifact(f"{name} is {kind!a}, not float32 as {_FLOAT32}")


def _shape(name: str, told: bytes) -> tuple[int, ...]:
    """Sides of one or more: a product of them is then as large as each."""
    sides = [side.strip() for side in told.split(b",")]
    # The comma of a tuple of one, without which it is a number in brackets.
    is_tuple = len(sides) > 1 or sides == [b""]
    if is_tuple and sides[-1] == b"":
        sides.pop()
    are_sides = all(side.isdigit() and len(side) <= 9 and int(side) > 0 for side in sides)
    if not is_tuple or not are_sides or len(sides) > _MOST_SIDES:
        raise BadArtifact(f"{name} has no shape: {told[:40]!r}")
    return tuple(map(int, sides))


def written(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array, dtype="<f4"), allow_pickle=False)
    return file.getvalue()
