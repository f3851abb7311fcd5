"""Each lock names the extras that its packages ask of one another.

Without it pip takes the newest release before it reads the pin, and ends for want of a hash.
"""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.source_tree import REPOSITORY

ASKED = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\[(?P<extras>[^\]]+)\](?!.*extra ==)")
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[(?P<extras>[^\]]+)\])?==", re.MULTILINE)


def pins(lock: Path) -> dict[str, set[str]]:
    """Each pinned package with the extras that its pin names."""
    found = PINNED.finditer(lock.read_text())
    return {pin["name"]: set((pin["extras"] or "").split(",")) for pin in found}


def extras_asked_for() -> list[tuple[str, str, str]]:
    """(package, the other one, its extra) for all that is installed here."""
    return [
        (package.name.lower().replace("_", "-"), asked["name"].lower().replace("_", "-"), extra)
        for package in distributions()
        for asked in map(ASKED.match, package.requires or [])
        if asked
        for extra in asked["extras"].split(",")
    ]


@pytest.mark.parametrize(
    "lock", sorted(REPOSITORY.glob("requirements*.lock")), ids=lambda lock: lock.name
)
def test_a_lock_names_the_extras_that_its_packages_ask_for(lock: Path) -> None:
    pinned = pins(lock)

    missing = [
        f"{package} asks for {other}[{extra}]"
        for package, other, extra in extras_asked_for()
        if package in pinned and other in pinned and extra not in pinned[other]
    ]

    assert missing == []


def test_something_here_asks_for_an_extra() -> None:
    assert ("pytest-cov", "coverage", "toml") in extras_asked_for()
