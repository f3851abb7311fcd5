"""Which nights a snapshot is to hold, and how they are split: asked for once, kept as it was."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from mlops.models import Job
from recordings.models import LabelSet

Source = LabelSet.Source
GROUND_TRUTH = (Source.PSG.value, Source.HUMAN.value)
FEWEST_EPOCHS, MOST_SEED = 100, 2**32 - 1


@dataclass(frozen=True)
class Criteria:
    """Ground truth alone unless asked otherwise; days are evenings, the last one included."""

    scope: str = Job.Scope.TENANT.value
    label_sources: tuple[str, ...] = GROUND_TRUTH
    first_on: date | None = None
    last_on: date | None = None
    device: str | None = None  # its id
    min_epochs: int = FEWEST_EPOCHS
    held_out: float = 0.25
    seed: int = 1

    @property
    def as_json(self) -> dict[str, Any]:
        told = asdict(self) | {"label_sources": sorted(self.label_sources)}
        return {name: _plain(value) for name, value in told.items()}

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> "Criteria":
        """From what was kept; what a later version added has its usual value."""
        values: dict[str, Any] = {name: known[name] for name in PLAIN if name in known}
        values |= {name: date.fromisoformat(known[name]) for name in DAYS if known.get(name)}
        values["label_sources"] = tuple(known.get("label_sources", GROUND_TRUTH))
        return cls(**values)


DAYS = ("first_on", "last_on")
PLAIN = ("scope", "device", "min_epochs", "held_out", "seed")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
