"""A prediction's public id: a UUIDv8 that is its key, so that no index is needed. Pure."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

_VERSION, _VARIANT = 8, 2
# RFC 9562: 48 bits ours, 4 of version, 12 ours, 2 of variant, 62 ours.
_DASHES = (8, 13, 18, 23)
_DIGITS = [place for place in range(36) if place not in _DASHES]
# Up to so many ids, each by itself is faster than arrays of them.
FEW = 8


@dataclass(frozen=True)
class PredictionKey:
    """Within a tenant; the tenant is the caller's and never part of an id."""

    recording: int
    epoch_index: int
    model: int
    role: int
    staging_pass: int
    revision: int

    def __post_init__(self) -> None:
        for value, (name, bits) in zip(_fields_of(self), WIDTHS.items(), strict=True):
            if not 0 <= value < 1 << bits:
                raise ValueError(f"{name} does not fit {bits} bits")

    @classmethod
    def read(cls, text: str | UUID) -> Self | None:
        """The key that an id stands for; None where it is none of ours."""
        try:
            number = (text if isinstance(text, UUID) else UUID(text)).int
        except ValueError:
            return None
        fields = (number >> shift & (1 << bits) - 1 for shift, bits in _PLACES)
        key = cls(*fields)
        return key if packed(key).int == number else None


WIDTHS = {
    "recording": 32,
    "epoch_index": 16,
    "model": 16,
    "role": 4,
    "staging_pass": 2,
    "revision": 20,
}
# `dataclasses.astuple` copies deeply, which is most of what an id would cost.
_fields_of = attrgetter(*WIDTHS)
# Where each field stands in the 128 bits, as (shift, width), in the order of the key.
_PLACES = ((96, 32), (80, 16), (46, 16), (72, 4), (70, 2), (26, 20))


def packed(key: PredictionKey) -> UUID:
    number = _VERSION << 76 | _VARIANT << 62
    for value, (shift, _) in zip(_fields_of(key), _PLACES, strict=True):
        number |= value << shift
    return UUID(int=number)


def _text(number: int) -> str:
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def texts(
    key: PredictionKey, epoch_index: NDArray[np.integer[Any]], revision: NDArray[np.integer[Any]]
) -> list[str]:
    """The ids of a night, (epochs,) each: those of `key` but for their index and revision."""
    few = len(epoch_index) <= FEW
    for name, values in (("epoch_index", epoch_index), ("revision", revision)):
        bounds = values.tolist() if few else [int(values.min()), int(values.max())]
        if any(not 0 <= value < 1 << WIDTHS[name] for value in bounds):
            raise ValueError(f"{name} does not fit {WIDTHS[name]} bits")
    base = packed(key).int
    clear = ~(((1 << 16) - 1 << 80) | ((1 << 20) - 1 << 26))
    if few:
        places = zip(epoch_index.tolist(), revision.tolist(), strict=True)
        return [_text(base & clear | index << 80 | again << 26) for index, again in places]
    high, low = (base & clear) >> 64, base & clear & (1 << 64) - 1
    words = np.empty((len(epoch_index), 2), dtype=">u8")
    words[:, 0] = np.uint64(high) | epoch_index.astype(np.uint64) << np.uint64(16)
    words[:, 1] = np.uint64(low) | revision.astype(np.uint64) << np.uint64(26)
    digits = np.frombuffer(words.tobytes().hex().encode(), dtype=np.uint8).reshape(-1, 32)
    spelt = np.full((len(epoch_index), 36), ord("-"), dtype=np.uint8)
    spelt[:, _DIGITS] = digits
    return [text.decode() for text in spelt.view("S36").ravel().tolist()]
