"""What a model has to reach on people it has never seen, and whether it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops.evaluation.verdict import Verdict


@dataclass(frozen=True)
class Bar:
    name: str
    found: float | None
    wanted: float
    is_most: bool = False  # else the least

    @property
    def is_met(self) -> bool:
        if self.found is None:
            return False
        return self.found <= self.wanted if self.is_most else self.found >= self.wanted

    @property
    def as_json(self) -> dict[str, Any]:
        side = "at_most" if self.is_most else "at_least"
        return {"bar": self.name, "found": self.found, side: self.wanted, "met": self.is_met}


CALIBRATION = 0.05
# (kappa of a linear model, kappa of a net, smallest recall, kappa of sleep against wake)
_BY_SOURCE: Mapping[str, tuple[float, float, float, float]] = {
    "slpdb": (0.36, 0.38, 0.30, 0.42),
    "walch": (0.37, 0.42, 0.45, 0.47),
}
KINDS = ("linear", "net")


def bars_of(verdict: Verdict, source: str, kind: str = "linear") -> list[Bar]:
    """Calibration is asked of any data set, the rest of those that have a bar."""
    calibration = verdict.report.expected_calibration_error
    asked = [Bar("calibration error", calibration, CALIBRATION, is_most=True)]
    if source not in _BY_SOURCE:
        return asked
    linear, net, recall, sleep_wake = _BY_SOURCE[source]
    return [
        Bar("kappa", verdict.report.kappa, linear if kind == "linear" else net),
        *asked,
        Bar("smallest recall", verdict.smallest_recall, recall),
        Bar("sleep/wake kappa", verdict.sleep_wake.kappa, sleep_wake),
    ]
