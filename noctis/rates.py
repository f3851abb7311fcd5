"""Allowances as `RATE_LIMITS` writes them. Pure: the settings' table and the buckets read both."""

from dataclasses import dataclass

PERIODS = {"second": 1, "minute": 60, "hour": 3600}
# A process asks for this share of an allowance at once.
LEASED_SHARE = 100
USUAL = ("sign_in=10/minute", "read=600/minute", "write=1200/minute", "ingest=1200/minute")


@dataclass(frozen=True)
class Limit:
    """So many calls a period; the whole allowance may be used at once."""

    calls: int
    period_s: int

    @property
    def rate(self) -> float:
        return self.calls / self.period_s

    @property
    def lease(self) -> int:
        """Calls asked for at once: one round trip then serves them all."""
        return max(1, self.calls // LEASED_SHARE)


def parse(rows: tuple[str, ...]) -> dict[str, Limit]:
    """`read=600/minute` -> {"read": Limit(600, 60)}; `read=off` leaves the class unlimited."""
    limits: dict[str, Limit] = {}
    for row in rows:
        route_class, _, rate = row.partition("=")
        calls, _, period = rate.partition("/")
        if rate == "off":
            limits.pop(route_class, None)
            continue
        if not calls.isdecimal() or int(calls) < 1 or period not in PERIODS:
            raise ValueError(f"cannot read {row!r}")
        limits[route_class] = Limit(int(calls), PERIODS[period])
    return limits


def in_force(rows: tuple[str, ...]) -> dict[str, Limit]:
    """What the setting says of a class, and the default of every class it does not name."""
    unknown = {row.partition("=")[0] for row in rows} - parse(USUAL).keys()
    if unknown:
        raise ValueError(f"there is no class {', '.join(sorted(unknown))}")
    return parse((*USUAL, *rows))
