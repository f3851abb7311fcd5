"""numpy arrays as PostgreSQL's own binary arrays, laid out in one go."""

import struct
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq
from psycopg.adapt import Buffer, Dumper

_HEADER = struct.Struct(">iiIii")  # dimensions, has nulls, element type, length, lower bound


@dataclass(frozen=True)
class PackedInts:
    """An `int4[]`; any shape is flattened."""

    raw: bytes

    @classmethod
    def of(cls, values: NDArray[np.int32]) -> Self:
        return cls(_packed(values, 23, ">i4"))


@dataclass(frozen=True)
class PackedFloats:
    """A `float4[]`; any shape is flattened."""

    raw: bytes

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Self:
        return cls(_packed(values, 700, ">f4"))


def _packed(values: NDArray[Any], element: int, kind: str) -> bytes:
    flat = values.ravel()
    body = np.empty(len(flat), dtype=[("length", ">i4"), ("value", kind)])
    body["length"] = 4
    body["value"] = flat
    return _HEADER.pack(1, 0, element, len(flat), 1) + body.tobytes()


class _IntsDumper(Dumper):
    format = pq.Format.BINARY
    oid = 1007

    def dump(self, obj: PackedInts | PackedFloats) -> Buffer:
        return obj.raw


class _FloatsDumper(_IntsDumper):
    oid = 1021


def register() -> None:
    """Before the first connection: each one copies what is registered then."""
    psycopg.adapters.register_dumper(PackedInts, _IntsDumper)
    psycopg.adapters.register_dumper(PackedFloats, _FloatsDumper)
