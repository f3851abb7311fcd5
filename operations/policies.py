"""What each series keeps, compresses and sums up, and who does it in which edition. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from noctis.db.editions import Edition


class Kind(StrEnum):
    CHUNKS = "chunks"
    COMPRESSION = "compression"
    REFRESH = "refresh"
    RETENTION = "retention"


class Doer(StrEnum):
    SERVER = "server"  # by itself, or by a job of its own
    BEAT = "beat"
    NOBODY = "nobody"  # the edition has no such thing


@dataclass(frozen=True)
class Series:
    """A table of rows over time, and the summary in which its history stays."""

    name: str
    table: str
    time: str
    summary: str
    chunk_days: int = 7
    # For compression.
    segment_by: tuple[str, ...] = ("tenant_id", "recording_id")


@dataclass(frozen=True)
class Policy:
    """One number; it comes from a setting, or stands here."""

    subject: str
    kind: Kind
    unit: str
    setting: str = ""
    value: int = 0

    @property
    def name(self) -> str:
        return f"{self.subject}.{self.kind}"


EPOCHS = Series("epochs", "recordings_epoch", "epoch_start_ts", "device_daily_summary")
PREDICTIONS = Series(
    "predictions", "inference_prediction", "window_end_ts", "recording_daily_summary"
)
SERIES = {series.name: series for series in (EPOCHS, PREDICTIONS)}
SUMMARIES = {series.summary: series for series in SERIES.values()}

POLICIES = (
    Policy("epochs", Kind.CHUNKS, "days", value=EPOCHS.chunk_days),
    Policy("predictions", Kind.CHUNKS, "days", value=PREDICTIONS.chunk_days),
    Policy("epochs", Kind.COMPRESSION, "days", setting="EPOCHS_COMPRESSION_AFTER_DAYS"),
    # Before retention, which lets nothing go that was not summed up.
    *(Policy(name, Kind.REFRESH, "minutes", value=5) for name in sorted(SUMMARIES)),
    Policy("epochs", Kind.RETENTION, "days", setting="EPOCHS_RETENTION_DAYS"),
    Policy("predictions", Kind.RETENTION, "days", setting="PREDICTIONS_RETENTION_DAYS"),
)
BY_NAME = {policy.name: policy for policy in POLICIES}

_S, _B, _N = Doer.SERVER, Doer.BEAT, Doer.NOBODY
DOERS: dict[Edition, dict[Kind, Doer]] = {
    Edition.POSTGRES: {
        Kind.CHUNKS: _N,
        Kind.COMPRESSION: _N,
        Kind.REFRESH: _B,
        Kind.RETENTION: _B,
    },
    Edition.APACHE: {
        Kind.CHUNKS: _S,
        Kind.COMPRESSION: _N,
        Kind.REFRESH: _B,
        Kind.RETENTION: _B,
    },
    Edition.TIMESCALE: {
        Kind.CHUNKS: _S,
        Kind.COMPRESSION: _S,
        Kind.REFRESH: _B,
        # A job of the server's would drop whole chunks, and kept nights with them.
        Kind.RETENTION: _B,
    },
}


@dataclass(frozen=True)
class Change:
    """One step of a plan: the number before and after, in the policy's unit."""

    name: str
    before: int | None
    after: int | None
    doer: Doer

    @property
    def action(self) -> str:
        if self.before is None:
            return "add"
        return "remove" if self.after is None else "replace"


def changes(
    edition: Edition, wanted: dict[str, int], actual: dict[str, int | None]
) -> tuple[Change, ...]:
    """What differs, in the order in which it is applied."""
    found = []
    for policy in POLICIES:
        doer = DOERS[edition][policy.kind]
        after = None if doer == Doer.NOBODY else wanted[policy.name]
        before = actual.get(policy.name)
        if before != after:
            found.append(Change(policy.name, before, after, doer))
    return tuple(found)


def digest(edition: Edition, planned: Iterable[Change]) -> str:
    """Names a plan: the same changes on the same edition have the same hash."""
    told = [edition, [asdict(change) for change in planned]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
