"""The grid of a night: epoch `i` starts `i` times 30 seconds after the recording. Pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH_S = 30
TOLERANCE_S = 15
# A night is at most a day: what one call can read or write whole.
MAX_EPOCHS = 24 * 3600 // EPOCH_S
EVENING_ENDS_AT = timedelta(hours=12)


def epoch_start(started_at: datetime, index: int) -> datetime:
    return started_at + timedelta(seconds=EPOCH_S * index)


def index_at(started_at: datetime, at: datetime) -> int:
    """The first epoch that starts at or after an instant."""
    return -int((started_at - at) // timedelta(seconds=EPOCH_S))


def night_of(started_at: datetime, timezone: str) -> date:
    """The local evening that a night belongs to: until noon it is still the day before's."""
    return (started_at.astimezone(ZoneInfo(timezone)) - EVENING_ENDS_AT).date()
