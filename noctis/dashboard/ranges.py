"""Which stretch of time is looked at, in how many columns. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Range:
    """`span_min` says which rows of traffic are fine enough for its columns."""

    name: str
    label: str
    length: timedelta
    columns: int
    span_min: int
    shown: str

    @property
    def step(self) -> timedelta:
        return self.length / self.columns


RANGES = (
    Range("1h", "1 hour", timedelta(hours=1), 12, 5, "%H:%M"),
    Range("24h", "24 hours", timedelta(hours=24), 24, 5, "%H:%M"),
    Range("7d", "7 days", timedelta(days=7), 28, 60, "%d %b %H:%M"),
    Range("30d", "30 days", timedelta(days=30), 30, 60, "%d %b"),
)
BY_NAME = {found.name: found for found in RANGES}
USUAL = BY_NAME["24h"]


@dataclass(frozen=True)
class Window:
    """A range that ends now, and the one before it; column -1 stands for the latter as a whole."""

    range: Range
    until: datetime
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        return self.until - self.range.length

    @property
    def before(self) -> datetime:
        return self.since - self.range.length

    @property
    def names(self) -> list[str]:
        """Each column by the local instant at which it begins."""
        starts = (self.since + nth * self.range.step for nth in range(self.range.columns))
        return [f"{start.astimezone(self.zone):{self.range.shown}}" for start in starts]

    def column(self, at: datetime) -> int:
        """Which column an instant falls into."""
        return max(-1, (at - self.since) // self.range.step)


def ending(found: Range, at: datetime, zone: ZoneInfo) -> Window:
    """A window whose columns end with whole spans of traffic, so that no span is cut in two."""
    span = timedelta(minutes=found.span_min)
    past = timedelta(minutes=at.minute % found.span_min, seconds=at.second)
    start = at - past - timedelta(microseconds=at.microsecond)
    return Window(found, start + span, zone)
