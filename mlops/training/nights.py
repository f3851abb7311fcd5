"""What models are trained and judged on: nights whose true stages are known."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlops.datasets import UNKNOWN, LabelledNight
from mlops.simulator.nights import simulate

__all__ = ["UNKNOWN", "LabelledNight", "Parts", "simulated"]


@dataclass(frozen=True)
class Parts:
    """Nights apart by subject: what is fitted, what tunes the fitted, and what judges both."""

    fitting: Sequence[LabelledNight]
    tuning: Sequence[LabelledNight]
    held_out: Sequence[LabelledNight]


def simulated(count: int, held_out: int, seed: int) -> Parts:
    """Every night another sleeper's; one in five tunes."""
    nights = [
        LabelledNight(f"synthetic-{seed}-{place}", night.features, night.stages)
        for place, night in enumerate(
            simulate([(seed, place) for place in range(count + held_out)])
        )
    ]
    tuning = max(1, count // 5)
    return Parts(nights[: count - tuning], nights[count - tuning : count], nights[count:])
