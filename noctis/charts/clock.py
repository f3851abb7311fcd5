"""The time axis of a night: which column is when, for people in the night's own zone. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

HOUR = timedelta(hours=1)
# The widest step between two labels that still leaves a handful of them.
STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60, 120, 180, 360))
MOST_LABELS = 12


@dataclass(frozen=True)
class Clock:
    """`count` places of `step_s` seconds each, the first at `start`."""

    start: datetime
    zone: tzinfo
    count: int
    step_s: float = 30

    def at(self, place: float) -> datetime:
        """The local instant at which a place begins."""
        passed = timedelta(seconds=self.step_s * place)
        return (self.start.astimezone(UTC) + passed).astimezone(self.zone)

    def told(self, place: float) -> str:
        """With seconds only where there are some."""
        at = self.at(place)
        return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"

    @property
    def zone_name(self) -> str:
        """The zone's abbreviation; both of them where the clocks change in the night."""
        names = [self.at(place).tzname() or "" for place in (0, self.count)]
        return "/".join(dict.fromkeys(names))

    def ticks(self) -> list[tuple[float, str]]:
        """Places of whole hours or parts of them, as the local clock shows them."""
        lasts = timedelta(seconds=self.step_s * self.count)
        step = next((step for step in STEPS if lasts / step <= MOST_LABELS), STEPS[-1])
        local = self.at(0)
        # The clock may change in the night, by whole hours: their parts stay where they are.
        since = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
        since += timedelta(microseconds=local.microsecond)
        passed = -since % min(step, HOUR)
        found = []
        while passed <= lasts:
            place = passed.total_seconds() / self.step_s
            at = self.at(place)
            if timedelta(hours=at.hour, minutes=at.minute) % step == timedelta():
                found.append((place, f"{at:%H:%M}"))
            passed += min(step, HOUR)
        return found
