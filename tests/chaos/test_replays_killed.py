"""The short form of `make replay-nights`: sixty nights on two workers, one killed in the middle."""

import pytest

from tests.chaos.replays.run import replay_and_compare


@pytest.mark.stack
def test_a_replay_whose_workers_are_killed_counts_each_night_once() -> None:
    result = replay_and_compare(60, kills=1)

    assert result.is_sound, (result.expected, result.found, result.predictions)
    assert result.killed.kills == 1
    assert result.expected["nights"] == 60
