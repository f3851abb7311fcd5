"""Feature schemas as data: the two that ship, the hash that names them, their succession. Pure."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

# A feature is a column of CSV files and a member of JSON; a version is a part of a path.
FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class BadSchema(ValueError):
    """Says what about a schema cannot be accepted."""


@dataclass(frozen=True)
class Feature:
    """One position of the vector. The range is inclusive; None leaves that side open."""

    name: str
    unit: str
    minimum: float | None
    maximum: float | None
    missing: str = "nan"
    dtype: str = "float32"
    introduced_in: str = ""
    deprecated_in: str | None = None


def _device_features() -> tuple[Feature, ...]:
    """The device's table of 15; the same order and names as its firmware."""
    rows = (
        ("in_bed_pct", "%", 0, 100),
        ("hr_mean", "bpm", 20, 250),
        ("hr_std", "bpm", 0, 120),
        ("dhr", "bpm", -230, 230),
        ("rr_mean", "1/min", 2, 60),
        ("rr_std", "1/min", 0, 40),
        ("drr", "1/min", -58, 58),
        ("large_move_pct", "%", 0, 100),
        ("minor_move_pct", "%", 0, 100),
        ("turnovers_delta", "count", 0, 60),
        ("apnea_delta", "count", 0, 10),
        ("flags", "bits", 0, 127),
        ("vib_move_pct", "%", 0, 100),
        ("vib_resp_q", "%", 0, 100),
        ("agree_flags", "bits", 0, 15),
    )
    return tuple(Feature(*row, introduced_in="noctis_v1") for row in rows)


def _older_features() -> tuple[Feature, ...]:
    """What clients of the older 10-feature systems send."""
    powers = ("delta_power", "theta_power", "alpha_power", "beta_power", "sigma_power")
    rows: list[tuple[str, str, float, float | None]]
    rows = [(name, "relative", 0, None) for name in powers]
    rows += [
        ("emg_rms", "µV", 0, None),
        ("eog_variance", "µV²", 0, None),
        ("hr_mean", "bpm", 20, 250),
        ("hrv_rmssd", "ms", 0, 2_000),
        ("motion_index", "1", 0, None),
    ]
    return tuple(Feature(*row, introduced_in="v1") for row in rows)


ACTIVE_VERSION = "noctis_v1"
SHIPPED: dict[str, tuple[Feature, ...]] = {
    ACTIVE_VERSION: _device_features(),
    "v1": _older_features(),
}


def as_rows(features: tuple[Feature, ...]) -> list[dict[str, Any]]:
    """As JSON; whole numbers are plain, for 0 and 0.0 are one bound with one hash."""
    return [
        {name: _plain(value) for name, value in asdict(feature).items()} for feature in features
    ]


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def canonical(features: tuple[Feature, ...]) -> str:
    """The one spelling that is hashed: sorted keys, no spaces, plain numbers."""
    rows = as_rows(features)
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(features: tuple[Feature, ...]) -> str:
    return hashlib.sha256(canonical(features).encode()).hexdigest()


def parsed(rows: Any) -> tuple[Feature, ...]:
    """Rows of JSON as features, or `BadSchema`."""
    try:
        features = msgspec.convert(rows, tuple[Feature, ...])
    except msgspec.ValidationError as error:
        raise BadSchema(str(error)) from None
    names = [feature.name for feature in features]
    if not features or len(set(names)) != len(names):
        raise BadSchema("expected at least one feature, each name once")
    for feature in features:
        _check(feature)
    return features


def _check(feature: Feature) -> None:
    if not FEATURE_NAME.fullmatch(feature.name):
        raise BadSchema("a feature's name is up to 63 of a-z, 0-9 and _, a letter first")
    if feature.dtype != "float32" or feature.missing != "nan":
        raise BadSchema(f"{feature.name}: dtype is float32 and a missing value is nan")
    low, high = feature.minimum, feature.maximum
    if not all(math.isfinite(bound) for bound in (low, high) if bound is not None):
        raise BadSchema(f"{feature.name}: a bound is a number, or null for none")
    if low is not None and high is not None and low > high:
        raise BadSchema(f"{feature.name}: the range is empty")


def written(document: Any) -> tuple[str, tuple[Feature, ...]]:
    """A file's JSON, `{"version": …, "features": […]}`, as a version's name and features."""
    if not isinstance(document, dict) or document.keys() != {"version", "features"}:
        raise BadSchema("expected an object with `version` and `features` alone")
    version = document["version"]
    if not isinstance(version, str) or not VERSION_NAME.fullmatch(version):
        raise BadSchema("a version is up to 40 of letters, digits, `.`, `_`, `-`")
    for row in document["features"] if isinstance(document["features"], list) else []:
        if isinstance(row, dict) and (unknown := row.keys() - Feature.__annotations__.keys()):
            raise BadSchema(f"unknown: {', '.join(sorted(unknown))}")
    return version, parsed(document["features"])


def check_successor(active: tuple[Feature, ...], wanted: tuple[Feature, ...]) -> None:
    """A next version may drop a feature only if the active one marks it deprecated."""
    kept = {feature.name for feature in wanted}
    dropped = [f.name for f in active if f.name not in kept and f.deprecated_in is None]
    if dropped:
        raise BadSchema(f"{', '.join(dropped)}: not marked deprecated in the active version")
