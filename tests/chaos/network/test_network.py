"""The short form of `make weather`, with both controls in one more spell each."""

import pytest

from tests.chaos.network.controls import CONTROLS
from tests.chaos.network.run import standing, weather
from tests.chaos.network.weathers import SHORT


@pytest.mark.stack
def test_bad_weather_loses_and_doubles_nothing_and_is_got_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with standing(nights=8) as house:
        result = weather(house, SHORT, seed=1)

    with capsys.disabled():
        print(f"\n{result}")  # noqa: T201 - the counts are what the run is for
    assert result.is_sound, str(result)
    assert result.struck["database answers lost"] > 0
    assert result.ledger
    assert result.ledger.acknowledged.sum() > 100
    assert result.ledger.retries > 0


@pytest.mark.stack
@pytest.mark.parametrize("name", CONTROLS)
def test_the_same_run_finds_a_broken_rule(name: str) -> None:
    with standing(nights=8) as house:
        result = CONTROLS[name](house, 1)

    assert result.comparison
    assert not result.comparison.is_sound, str(result)
