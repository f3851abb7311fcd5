"""Two sets of nights compared: how far each feature is apart, and whether that matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mlops.drift import measures
from mlops.drift.nights import Nights
from mlops.drift.reference import Floats, Reference

FALSE_DISCOVERY_RATE = 0.05
# A shift of a quarter of what nights differ by anyway changes no decision.
LEAST_EFFECT = 0.25
# A sensor that falls silent has no distribution that could shift: its gaps are what is seen.
MISSING_MORE = 0.2
# Alarm after so many of the last runs.
ALARM_RUNS, ALARM_OF = 2, 3


class Severity(StrEnum):
    INSUFFICIENT = "insufficient_data"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True)
class Thresholds:
    psi: float = 0.2
    kl: float = 0.1
    z: float = 3.0
    least_nights: int = 10


@dataclass(frozen=True)
class FeatureDrift:
    """`z` in standard errors of the night means, `effect` in spreads between nights."""

    index: int
    name: str
    psi: float | None
    psi_training: float | None  # against what the model saw in training
    z: float | None
    effect: float | None
    ks: float | None
    p: float | None  # adjusted for the number of features
    jensen_shannon: float | None
    missing: tuple[float, float]  # now and before
    severity: Severity


@dataclass(frozen=True)
class Comparison:
    nights: tuple[int, int]  # current, baseline: of devices that have both
    severity: Severity
    left_out: tuple[int, int] = (0, 0)  # nights of devices that have one side alone
    features: Sequence[FeatureDrift] = ()
    stage_psi: float | None = None
    stage_kl: float | None = None
    stages: tuple[Sequence[float], Sequence[float]] = ((), ())
    confidence_z: float | None = None

    @property
    def flagged(self) -> list[FeatureDrift]:
        return [row for row in self.features if row.severity in (Severity.MEDIUM, Severity.HIGH)]


def compare(
    reference: Reference,
    current: Nights,
    baseline: Nights,
    thresholds: Thresholds | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare nights with those before them; too few on a side is neither alarm nor all-clear.

    A device that came or went makes another fleet, not another world: its nights are left out."""
    limits = thresholds or Thresholds()
    sent = (len(current), len(baseline))
    both = np.intersect1d(current.device, baseline.device)
    current, baseline = current.of_devices(both), baseline.of_devices(both)
    counts = (len(current), len(baseline))
    left_out = (sent[0] - counts[0], sent[1] - counts[1])
    if min(counts) < limits.least_nights:
        return Comparison(counts, Severity.INSUFFICIENT, left_out)
    features = _features(reference, current, baseline, limits, seed)
    one, two = current.stage_shares, baseline.stage_shares
    stage_psi = float(measures.psi(one, two, counts))
    stage_kl = measures.kl(one, two, counts)
    z, effect = _confidence(current, baseline)
    found = [row.severity for row in features]
    found += [
        _severity(max(stage_psi / limits.psi, stage_kl / limits.kl)),
        _severity(abs(z) / limits.z if abs(effect) >= LEAST_EFFECT else 0.0),
    ]
    return Comparison(
        counts,
        _worst(found),
        left_out,
        features,
        _told(stage_psi),
        _told(stage_kl),
        (_rounded(one), _rounded(two)),
        _told(z),
    )


def is_alarm(severities: Sequence[Severity]) -> bool:
    """The newest runs, in any order: one of them alone may be chance."""
    bad = [severity in (Severity.MEDIUM, Severity.HIGH) for severity in severities[:ALARM_OF]]
    return sum(bad) >= ALARM_RUNS


def _features(
    reference: Reference, current: Nights, baseline: Nights, limits: Thresholds, seed: int
) -> list[FeatureDrift]:
    means = current.means, baseline.means
    z, effect = measures.z_of_means(*means)
    p = measures.benjamini_hochberg(_p_values(current, baseline, seed))
    counts = (len(current), len(baseline))
    columns = {
        "psi": measures.psi(current.shares, baseline.shares, counts),
        "psi_training": np.where(
            reference.is_known,
            measures.psi(current.shares, reference.shares, (counts[0], reference.nights)),
            np.nan,
        ),
        "z": z,
        "effect": effect,
        "ks": measures.ks(*means),
        "p": p,
        "jensen_shannon": measures.jensen_shannon(current.shares, baseline.shares),
    }
    missing = zip(current.missing.tolist(), baseline.missing.tolist(), strict=True)
    return [
        FeatureDrift(
            index=index,
            name=name,
            missing=(round(gone[0], 6), round(gone[1], 6)),
            severity=_worst(
                [
                    _of_feature({key: float(row[index]) for key, row in columns.items()}, limits),
                    _severity(abs(gone[0] - gone[1]) / MISSING_MORE),
                ]
            ),
            **{key: _told(float(row[index])) for key, row in columns.items()},
        )
        for index, (name, gone) in enumerate(zip(reference.features, missing, strict=True))
    ]


def _p_values(current: Nights, baseline: Nights, seed: int) -> Floats:
    """(features,): of the gap between night means, nights relabelled within their device."""
    values = np.concatenate([current.means, baseline.means])
    device = np.concatenate([current.device, baseline.device])
    is_current = np.arange(len(values)) < len(current)
    return measures.permuted_p(values, is_current, device, seed)


def _confidence(current: Nights, baseline: Nights) -> tuple[float, float]:
    z, effect = measures.z_of_means(current.confidence[:, None], baseline.confidence[:, None])
    return (float(z[0]), float(effect[0])) if np.isfinite(z[0]) else (0.0, 0.0)


def _of_feature(row: dict[str, float], limits: Thresholds) -> Severity:
    """Apart by more than chance, by enough to matter, and then by how much."""
    if not row["p"] <= FALSE_DISCOVERY_RATE or not abs(row["effect"]) >= LEAST_EFFECT:
        return Severity.LOW
    return _severity(max(row["psi"] / limits.psi, abs(row["z"]) / limits.z))


def _severity(times: float) -> Severity:
    """Of the largest measure as a multiple of its threshold."""
    if times >= 2:
        return Severity.HIGH
    return Severity.MEDIUM if times >= 1 else Severity.LOW


def _worst(found: Sequence[Severity]) -> Severity:
    order = [Severity.LOW, Severity.MEDIUM, Severity.HIGH]
    return max(found, key=order.index)


def _told(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _rounded(values: Floats) -> list[float]:
    return [round(value, 6) for value in np.nan_to_num(values).tolist()]
