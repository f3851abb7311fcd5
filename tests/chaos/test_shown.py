"""What must be shown has a row in docs/testing.md, with a command that there is."""

import re

import pytest

from tests.chaos import shown
from tests.chaos.shown import PARTS, Part
from tests.source_tree import REPOSITORY

TARGETS = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.typed)
def test_each_row_has_its_command_and_its_last_figures(part: Part) -> None:
    words = part.typed.split()

    assert shown.last_figures(part)
    if words[0] == "make":
        assert words[1] in TARGETS
    for word in words:
        assert not word.startswith("tests/") or (REPOSITORY / word).exists()


def test_a_row_that_is_not_recorded_is_missed() -> None:
    with pytest.raises(LookupError):
        shown.last_figures(Part("x", "make nothing", "x", ()))


def test_what_counts_of_a_run_is_kept() -> None:
    kept = ["compared      lost 0", "control: no sweeps", "12 passed in 3.20s", "refused in    p50"]

    assert all(shown.COUNTS.match(line) for line in kept)
    assert not shown.COUNTS.match("database  slow drip")
