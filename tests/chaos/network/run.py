"""Eight writers through bad weather: what is acknowledged is there, once, and soon more of it."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from noctis.embedded import Instance
from tests.chaos.ledger import Comparison, Ledger, compare
from tests.chaos.network.door import FINE, Door
from tests.chaos.network.weathers import DATABASE, STORE, Spell
from tests.chaos.run import writing
from tests.chaos.stack import Stack, running_stack
from tests.chaos.writers import Writer

AGAIN_WITHIN_S = 15.0
GIVEN_UP_S = 60.0
WORKERS, THREADS = 2, 4
# Of each worker beside its threads: probes, and what follows the models and the faults.
BESIDE = 3
SESSIONS = """
SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%' AND
  state_change < now() - interval '2 seconds')
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Passed:
    """A spell: batches that were taken in it, and how long after its end the next one was."""

    spell: Spell
    batches: int
    again_s: float


@dataclass
class Result:
    passed: list[Passed] = field(default_factory=list)
    comparison: Comparison | None = None
    ledger: Ledger | None = None
    struck: Counter[str] = field(default_factory=Counter)
    sessions: tuple[int, int] = (0, 0)

    @property
    def slowest_s(self) -> float:
        return max((passed.again_s for passed in self.passed), default=0.0)

    @property
    def is_sound(self) -> bool:
        assert self.comparison
        assert self.ledger
        connections, stuck = self.sessions
        return (
            self.comparison.is_sound
            and not self.ledger.unexpected
            and self.slowest_s <= AGAIN_WITHIN_S
            and connections <= WORKERS * (THREADS + BESIDE)
            and not stuck
        )

    def __str__(self) -> str:
        assert self.ledger
        ledger = self.ledger
        answers = ", ".join(f"{name} {count}" for name, count in ledger.answers.most_common())
        rows = [
            f"{passed.spell.where:9} {passed.spell.name:28} {passed.spell.seconds:4.0f} s:"
            f" {passed.batches:5} batches in it, again after {passed.again_s:.1f} s"
            for passed in self.passed
        ]
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.struck.items()))
        return "\n".join(
            [
                *rows,
                f"acknowledged  {ledger.acknowledged.sum()} epochs in {ledger.batches} batches",
                f"retries       {ledger.retries}",
                f"answers       {answers}",
                f"struck        {struck}",
                f"unexpected    {len(ledger.unexpected)} {' '.join(ledger.unexpected[:3])}",
                f"sessions      {self.sessions[0]} at the end, {self.sessions[1]} stuck",
                f"compared      {self.comparison}",
            ]
        )


@dataclass
class House:
    """A platform whose servers are behind doors."""

    stack: Stack
    doors: dict[str, Door]


@contextmanager
def standing(nights: int, **settings: str) -> Iterator[House]:
    with ExitStack() as held:
        doors: dict[str, Door] = {}

        def route(instance: Instance) -> dict[str, str]:
            known = conninfo_to_dict(instance.postgres.url())
            socket = f"{known['host']}/.s.PGSQL.{known.get('port', 5432)}"
            doors[DATABASE] = held.enter_context(Door(socket))
            doors[STORE] = held.enter_context(Door(str(instance.valkey.socket)))
            who = f"{known['user']}:{quote(str(known['password']))}"
            return {
                "DATABASE_URL": f"postgresql://{who}@127.0.0.1:{doors[DATABASE].port}/"
                f"{known['dbname']}?sslmode=disable&gssencmode=disable",
                "REDIS_URL": f"redis://127.0.0.1:{doors[STORE].port}/0",
                # High, but asked: a class that is off would never go to Redis.
                "RATE_LIMITS": "ingest=1000000/second",
                "WEB_CONCURRENCY": str(WORKERS),
                "WEB_THREADS": str(THREADS),
                "DB_CONNECT_TIMEOUT_SECONDS": "2",
                **settings,
            }

        stack = held.enter_context(running_stack(nights, route))
        yield House(stack, doors)


def weather(
    house: House, spells: Sequence[Spell], *, seed: int, writer: type[Writer] = Writer
) -> Result:
    """One spell after the other while eight writers write, then the comparison."""
    ledger = Ledger(house.stack.nights)
    result = Result(ledger=ledger)
    with writing(house.stack, ledger, random.Random(seed), writer):
        _until_another(ledger)
        for spell in spells:
            result.passed.append(_pass(house.doors[spell.where], spell, ledger))
    for where, door in house.doors.items():
        result.struck += Counter({f"{where} {what}": count for what, count in door.done.items()})
    result.comparison = compare(ledger, house.stack.rows(), house.stack.counted())
    ((connections, stuck),) = house.stack.sql(SESSIONS)
    result.sessions = (connections, stuck)
    return result


def _pass(door: Door, spell: Spell, ledger: Ledger) -> Passed:
    before = ledger.batches
    door.weather = spell.weather
    time.sleep(spell.seconds)
    taken = ledger.batches - before
    door.weather = FINE
    if spell.is_torn:
        door.throw_out()
    return Passed(spell, taken, _until_another(ledger))


def _until_another(ledger: Ledger) -> float:
    """Seconds until as many batches were taken as there are writers."""
    began, wanted = time.monotonic(), ledger.batches + 8
    while ledger.batches < wanted and time.monotonic() - began < GIVEN_UP_S:
        time.sleep(0.02)
    return time.monotonic() - began
