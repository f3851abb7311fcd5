"""The same run with a rule broken: a harness that finds nothing then proves nothing."""

from collections.abc import Callable

from tests.chaos.controls import KEYS
from tests.chaos.network.door import Weather
from tests.chaos.network.run import House, Result, weather
from tests.chaos.network.weathers import DATABASE, Spell
from tests.chaos.night import Piece
from tests.chaos.writers import Sent, Writer

LOSING = [Spell("questions and answers lost", DATABASE, Weather(0, 0, 0, 0, 0.1, 0.1), 4)]


class Hasty(Writer):
    """Believes that what was sent is stored, and never sends it again."""

    def _is_settled(self, piece: Piece, sent: Sent, is_retry: bool) -> bool:
        self.ledger.note_acknowledged(piece)
        super()._is_settled(piece, sent, is_retry)
        return True


def early_acknowledgement(house: House, seed: int) -> Result:
    return weather(house, LOSING, seed=seed, writer=Hasty)


def no_deduplication(house: House, seed: int) -> Result:
    """Nothing holds a repeated epoch back."""
    ((key,),) = house.stack.sql(KEYS)
    house.stack.sql(f'ALTER TABLE recordings_epoch DROP CONSTRAINT "{key}"')
    return weather(house, LOSING, seed=seed)


CONTROLS: dict[str, Callable[[House, int], Result]] = {
    "acknowledged when sent": early_acknowledgement,
    "the unique key dropped": no_deduplication,
}
