"""The results that are kept beside the code: a later run is held against them, ratios alone."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
# What runs of the same code on a quiet machine differ by.
CLEARLY = 0.20
HIGHER_IS_BETTER = ("share of copy", "times the naive peer")
LOWER_IS_BETTER = ("CPU times",)


def keep(name: str, machine: str, found: dict[str, float]) -> None:
    RESULTS.mkdir(exist_ok=True)
    figures = {label: round(value, 3) for label, value in found.items()}
    text = json.dumps({"machine": machine, "figures": figures}, indent=1)
    (RESULTS / f"{name}.json").write_text(f"{text}\n")


def worse_than_kept(name: str, found: dict[str, float]) -> list[str]:
    """The ratios that are clearly worse than those of the last run that was kept, each a line."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return []
    kept = json.loads(path.read_text())["figures"]
    return [
        f"{label}: {found[label]:.2f}, was {kept[label]:.2f}: clearly worse"
        for label in found.keys() & kept.keys()
        if is_clearly_worse(label, kept[label], found[label])
    ]


def is_clearly_worse(label: str, before: float, now: float) -> bool:
    """Only a ratio says something on another machine or another day."""
    if any(kind in label for kind in HIGHER_IS_BETTER):
        return now < before * (1 - CLEARLY)
    if any(kind in label for kind in LOWER_IS_BETTER):
        return now > before * (1 + CLEARLY)
    return False
