"""The short form of `make circuit`: how fast the API refuses while its database is stopped."""

from collections import Counter

import pytest

from tests.chaos.circuit.run import Outcome, measure
from tests.chaos.stack import running_stack


@pytest.mark.stack
def test_an_open_circuit_answers_in_under_50_ms_and_heals() -> None:
    with running_stack(1) as stack:
        outcome = measure(stack, calls=150)

    assert outcome.is_sound, str(outcome)
    assert outcome.answers.total() == 150
    assert outcome.healed_s < 15


def outcome(refusals_ms: list[float], **answers: int) -> Outcome:
    found = Counter({"503 db_circuit_open": 100, **answers})
    return Outcome(found, refusals_ms, probes_ms=[1.0] * 99 + [10.0])


def test_one_slow_answer_in_a_hundred_is_found_and_so_is_one_of_another_kind() -> None:
    assert outcome([2.0] * 100).is_sound
    assert not outcome([2.0] * 98 + [60.0] * 2).is_sound
    assert not outcome([2.0] * 100, **{"503 db_error": 1}).is_sound


def test_a_machine_on_which_nothing_is_faster_is_no_fault_of_the_circuit() -> None:
    busy = Outcome(Counter({"503 db_circuit_open": 100}), [70.0] * 100, probes_ms=[40.0] * 100)

    assert busy.is_sound
    busy.refusals_ms = [90.0] * 100
    assert not busy.is_sound
