"""The short form of `make overload`. Lower bars: the suite shares its machine."""

import pytest

from tests.chaos.overload.run import Outcome, overload
from tests.chaos.stack import running_stack

LEAST_GOODPUT = 0.25
MOST_P99_MS = 5_000.0


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    with running_stack(nights=4, RATE_LIMITS="ingest=off,read=off") as stack:
        return overload(stack, peak_s=2, over_s=5, seed=1)


@pytest.mark.stack
def test_three_times_the_peak_is_served_in_part_and_refused_in_part(outcome: Outcome) -> None:
    assert outcome.over.count("ingest", 200) > 0
    assert outcome.over.count("ingest", 503) > 0
    assert outcome.goodput > LEAST_GOODPUT, str(outcome)
    assert outcome.over.p("ingest", 200, 0.99) < MOST_P99_MS, str(outcome)


@pytest.mark.stack
def test_no_probe_is_refused_and_nothing_else_goes_wrong(outcome: Outcome) -> None:
    assert outcome.over.count("probe", 200) > 0
    assert not outcome.over.count("probe", 503)
    assert not outcome.unexpected
    assert outcome.growth < 0.5, str(outcome)
