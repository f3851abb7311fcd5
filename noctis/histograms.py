"""Percentiles out of a histogram's buckets. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import Metric


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


def of(families: Iterable[Metric], name: str) -> list[int]:
    """How many fell into each bucket of a metric, all of its labels together."""
    at_most: dict[float, float] = {}
    for sample in _samples(families, f"{name}_bucket"):
        bound = float(sample[0]["le"])
        at_most[bound] = at_most.get(bound, 0.0) + sample[1]
    counts = [int(at_most[bound]) for bound in sorted(at_most)]
    return [count - below for count, below in zip(counts, [0, *counts], strict=False)]


def counted(families: Iterable[Metric], name: str) -> float | None:
    """The sum of a counter or gauge over its labels; None where it was never set."""
    found = [value for _, value in _samples(families, name)]
    return sum(found) if found else None


def _samples(families: Iterable[Metric], name: str) -> Iterable[tuple[Mapping[str, str], float]]:
    return (
        (sample.labels, sample.value)
        for family in families
        for sample in family.samples
        if sample.name == name
    )
