"""Arrays as .npy bytes, never a pickle: the header is believed only as far as the bytes go."""

import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from inference.artifacts.faults import BadArtifact, Pickled

_PICKLE = b"\x80"


def read(name: str, raw: bytes) -> NDArray[np.float32]:
    """A float32 array with finite values."""
    if raw.startswith(_PICKLE):
        raise Pickled(f"{name} is a pickle")
    _check_header(name, raw)
    array = np.load(io.BytesIO(raw), allow_pickle=False)
    if not np.isfinite(array).all():
        raise BadArtifact(f"{name} holds NaN or infinity")
    return np.ascontiguousarray(array, dtype=np.float32)


def _check_header(name: str, raw: bytes) -> None:
    """A header may promise more than any memory holds."""
    file = io.BytesIO(raw)
    try:
        major = npy.read_magic(file)[0]
        reader: Any = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
        shape, _, dtype = reader(file)
    except (ValueError, EOFError) as error:
        raise BadArtifact(f"{name} is no .npy file: {error}") from None
    if dtype.hasobject:
        raise Pickled(f"{name} holds objects")
    if dtype != np.float32:
        raise BadArtifact(f"{name} is {dtype}, not float32")
    if any(type(side) is not int or side < 0 for side in shape):
        raise BadArtifact(f"{name} has no shape: {shape}")
    if math.prod(shape) * dtype.itemsize != len(raw) - file.tell():
        raise BadArtifact(f"{name} is not as long as its header says")


def written(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array, dtype="<f4"), allow_pickle=False)
    return file.getvalue()
