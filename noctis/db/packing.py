"""Single values in PostgreSQL's binary form, as `noctis.db.prepared` sends them."""

import struct
from datetime import UTC, datetime, timedelta

_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

int2, int4 = struct.Struct(">h").pack, struct.Struct(">i").pack
_int8 = struct.Struct(">q").pack


def instant(at: datetime) -> bytes:
    """A `timestamptz`: microseconds since PostgreSQL's own origin."""
    return _int8((at - _ORIGIN) // _MICROSECOND)
