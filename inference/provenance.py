"""What everybody may know of how a version was trained: nothing that leads to a person, night or
tenant. Its manifest says more, for comparisons to leave out whom it was fitted to. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

# Of a recipe. A pseudonym is soon found by its mark: there are few of them to try.
UNTOLD = frozenset({"subjects", "contents", "snapshot"})
# What begins the names of tenants' nights, each tenant's its own; and what they are called instead.
OF_A_TENANT = "nights-"
TENANTS_NIGHTS = "nights of this platform"


def told(training: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest's `training` for whoever may read of versions."""
    recipe = training.get("recipe", {})
    kept = {name: value for name, value in recipe.items() if name not in UNTOLD}
    return {**training, "data": _sources(training.get("data", [])), "recipe": kept}


def card(metadata: Mapping[str, Any]) -> str:
    """A version's card, without the checksum of its nights, which older ones have."""
    text = str(metadata.get("card", ""))
    snapshot = metadata.get("training", {}).get("recipe", {}).get("snapshot", "")
    return text.replace(str(snapshot), "…") if snapshot else text


def name_of(source: str) -> str:
    return TENANTS_NIGHTS if source.startswith(OF_A_TENANT) else source


def _sources(data: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Not how many tenants there were, either."""
    named = [{**source, "name": name_of(source["name"])} for source in data]
    return [source for place, source in enumerate(named) if source not in named[:place]]
