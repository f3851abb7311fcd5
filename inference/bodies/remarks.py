"""What must be said wherever a night's stages are shown, in the words of one place."""

from collections.abc import Mapping
from typing import Any

from inference.models import Hypnogram

ELSEWHERE = "Experimental: validated on wearable and ECG data, not on this device."
SIMULATED = "Experimental: trained on simulated nights, validated on nobody's sleep."
TYPICAL_ERROR = "Minutes of REM and deep sleep are typically off by ±30. No diagnosis."
IMPLAUSIBLE = (
    "Implausible: these numbers do not behave as a sleeper's do, so the stages say nothing, and "
    "all four are shown as equally likely."
)


def mark_of(metadata: Mapping[str, Any]) -> str:
    """What a version's stages were held against; nothing where it was made for real use."""
    if not metadata.get("is_experimental", True):
        return ""
    is_judged = set(metadata.get("metrics", {})) - {"simulated"}
    return ELSEWHERE if is_judged else SIMULATED


def note_of(row: Hypnogram) -> str | None:
    """All of it in one line, for who reads no page."""
    mark = mark_of(row.model.metadata)
    is_implausible = row.disposition == Hypnogram.Disposition.IMPLAUSIBLE
    told = [IMPLAUSIBLE] * is_implausible + ([mark, TYPICAL_ERROR] if mark else [])
    return " ".join(told) or None


def plausibility_of(row: Hypnogram) -> str:
    """The two numbers, for people."""
    if row.continuity is None:
        return "not judged: less than an hour of it is known"
    astray = "" if row.astray is None else f", {100 * row.astray:.1f} % of the epochs astray"
    return f"continuity {row.continuity:.2f}{astray}"
