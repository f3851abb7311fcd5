"""A snapshot as one `.npz` file: the same nights give the same bytes on every machine.

Columns over all nights, and where each night begins in them; nothing in it is a pickle."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.datasets.nights import LabelledNight
from mlops.datasets.snapshot import Part, Snapshot

# By the night; the other two are by the epoch.
TEXTS = ("source", "subject", "name")
COLUMNS = ("schema", *TEXTS, "part", "first", "features", "stages")
# The earliest that a ZIP can say: when the file was written is no part of its content.
NO_TIME = (1980, 1, 1, 0, 0, 0)


class SnapshotUnfit(ValueError):
    """The file is no snapshot, or was changed."""


def packed(snapshot: Snapshot) -> bytes:
    """Stored and not compressed, because compressors differ between machines."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, column in _columns(snapshot).items():
            entry = zipfile.ZipInfo(f"{name}.npy", NO_TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            raw = io.BytesIO()
            np.lib.format.write_array(raw, column, version=(1, 0), allow_pickle=False)
            archive.writestr(entry, raw.getvalue())
    return written.getvalue()


def _columns(snapshot: Snapshot) -> dict[str, NDArray[Any]]:
    nights = snapshot.nights
    texts = {name: [getattr(night, name) for night in nights] for name in TEXTS}
    return {
        "schema": np.array([snapshot.schema], "<U64"),
        **{name: np.array(values, "<U64") for name, values in texts.items()},
        "part": np.array(snapshot.parts, "i1"),
        "first": np.cumsum([0, *(len(night.stages) for night in nights)]).astype("<i8"),
        # One spelling of "not known": its bits may differ by where it came from.
        "features": np.concatenate(
            [np.where(np.isnan(one.features), np.float32(np.nan), one.features) for one in nights]
        ).astype("<f4"),
        "stages": np.concatenate([night.stages for night in nights]).astype("i1"),
    }


def unpacked(raw: bytes) -> Snapshot:
    """The snapshot of a file, or SnapshotUnfit where it is none."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as found:
            columns = {name: found[name] for name in COLUMNS}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        raise SnapshotUnfit("It is no snapshot, or part of it is missing.") from None
    return _of(columns)


def _of(columns: Mapping[str, NDArray[Any]]) -> Snapshot:
    first, parts = columns["first"].tolist(), [Part(int(part)) for part in columns["part"]]
    texts = zip(*(columns[name].tolist() for name in TEXTS), strict=True)
    nights = [
        LabelledNight(
            subject,
            columns["features"][start:end].astype(np.float32),
            columns["stages"][start:end].astype(np.int8),
            source,
            name,
        )
        for (source, subject, name), start, end in zip(texts, first[:-1], first[1:], strict=True)
    ]
    return Snapshot(nights, parts, str(columns["schema"][0]))
