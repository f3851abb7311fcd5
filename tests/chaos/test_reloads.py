"""The short form of `make reloads`, and that the comparison can fail."""

import pytest

from tests.chaos.reloads.run import Result, reload_under_questions, running_platform


@pytest.mark.stack
def test_twelve_reloads_under_questions_refuse_and_mix_nothing() -> None:
    with running_platform(guests=6) as platform:
        result = reload_under_questions(platform, guests=6, seconds=6, rate=60)
        asked = platform.questions()
        mixed = asked[0].answers[True], asked[0].answers[False]

    assert result.is_sound, str(result)
    assert result.asked > 100
    assert result.loads >= 12
    assert abs(mixed[0] - mixed[1]).max() > 0.01  # else no mixture could be told from an answer


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        ({"wrong": ["503"]}, "1 bad answers, the first: ['503']"),
        ({"swaps": [{"serves": "g", "behind": 1, "refused": True}]}, "after 1 swaps: ['g']"),
        ({"swaps": [{"serves": "g", "behind": 0, "refused": False}]}, "1 broken artifacts"),
        ({"swaps": [{"serves": "g", "behind": 0, "refused": None}]}, "no broken artifact"),
        ({"answered": {"home": 3}}, "only ['home'] answered"),
    ],
)
def test_a_run_with_one_fault_is_not_sound_and_says_why(
    spoilt: dict[str, object], named: str
) -> None:
    good = {
        "answered": {"home": 2, "guest-1": 1},
        "swaps": [{"serves": "g", "behind": 0, "refused": True}],
    }

    assert not Result(**good).faults
    (fault,) = Result(**good | spoilt).faults
    assert named in fault
    assert not Result(**good | spoilt).is_sound
