"""Percentiles out of a histogram's buckets. Pure."""

from collections.abc import Sequence


def percentile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """The value below which this share lies, on a straight line inside its bucket.

    What lies beyond the last bound is told as that bound: more is not known."""
    total = sum(counts)
    if not total:
        return None
    wanted, seen, low = share * total, 0, 0.0
    for count, high in zip(counts, bounds, strict=False):
        if count and seen + count >= wanted:
            return low + (high - low) * (wanted - seen) / count
        seen, low = seen + count, high
    return bounds[-1]


def above(counts: Sequence[int], bounds: Sequence[float], limit: float) -> float:
    """How many lie above a limit, on the same straight lines; consistent with `percentile`."""
    below, low = 0.0, 0.0
    for count, high in zip(counts, bounds, strict=False):
        if high <= limit:
            below += count
        elif low < limit:
            below += count * (limit - low) / (high - low)
        low = high
    return sum(counts) - below


def summed(rows: Sequence[Sequence[int]]) -> list[int]:
    """Bucket by bucket; a span without any has none."""
    known = [row for row in rows if row]
    return [sum(column) for column in zip(*known, strict=True)]
