"""The short form of `make kills-staging`: ten kills of workers, and the comparison's own eyes."""

from collections.abc import Callable

import pytest

from tests.chaos.staging.facts import Comparison, Drawn, Facts, Given, compare
from tests.chaos.staging.run import TARGETS, drawn, kill_and_compare
from tests.chaos.staging.stack import running_stack

Change = Callable[[Facts], None]


@pytest.mark.stack
def test_ten_kills_of_workers_lose_double_and_halve_nothing() -> None:
    with running_stack(over=24, going_on=3) as stack:
        result = kill_and_compare(stack, targets=drawn(10, seed=1), seed=1)

    assert result.is_sound, str(result)
    assert result.kills.keys() == TARGETS.keys()
    assert result.cut_short > 0
    assert result.hypnograms >= 24


def compared(change: Change) -> Comparison:
    """A night of four epochs staged twice, as it must be but for the change."""
    first = [Given(index, 5, "a") for index in range(1, 3)]
    second = [Given(index, 5, "b") for index in range(1, 4)]
    live = [Given(2, 0, "c"), Given(3, 0, "d")]
    facts = Facts(
        is_settled=True,
        night_expected=[*second],
        night_found=[*first, *second],
        live_expected=[*live],
        live_found=[*live],
        stages_expected=(-1, 5, 5, 5),
        hypnograms=[Drawn(0, "a", (-1, 5, 5)), Drawn(1, "b", (-1, 5, 5, 5))],
    )
    change(facts)
    return compare([facts])


def nothing(facts: Facts) -> None:
    """Leave it."""


def left_undone(facts: Facts) -> None:
    facts.is_settled = False


def a_live_stage_lost(facts: Facts) -> None:
    del facts.live_found[0]


def a_live_stage_twice(facts: Facts) -> None:
    facts.live_found.append(facts.live_found[0])


def another_stage(facts: Facts) -> None:
    facts.night_found[-1] = Given(3, 0, "b")


def another_hypnogram(facts: Facts) -> None:
    facts.hypnograms[-1] = Drawn(1, "b", (-1, 5, 5, 0))


def no_hypnogram(facts: Facts) -> None:
    del facts.hypnograms[0]
    facts.hypnograms[0] = Drawn(0, "b", (-1, 5, 5, 5))


def an_old_stage_lost(facts: Facts) -> None:
    del facts.night_found[0]


def a_revision_skipped(facts: Facts) -> None:
    facts.hypnograms[-1] = Drawn(2, "b", (-1, 5, 5, 5))


def a_hypnogram_twice(facts: Facts) -> None:
    facts.hypnograms.append(Drawn(2, "b", (-1, 5, 5, 5)))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (nothing, ()),
        (left_undone, ("unsettled",)),
        (a_live_stage_lost, ("lost",)),
        (a_live_stage_twice, ("doubled",)),
        (another_stage, ("wrong",)),
        (another_hypnogram, ("wrong",)),
        (no_hypnogram, ("halves",)),
        (an_old_stage_lost, ("halves",)),
        (a_revision_skipped, ("misnumbered",)),
        (a_hypnogram_twice, ("doubled",)),
    ],
)
def test_the_comparison_sees_each_offence_and_no_other(
    change: Change, found: tuple[str, ...]
) -> None:
    comparison = compared(change)

    assert {name: count for name, count in vars(comparison).items() if count} == dict.fromkeys(
        found, 1
    )
    assert comparison.is_sound is (not found)
