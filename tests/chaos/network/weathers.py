"""The weathers of a run, each with where it is and for how long. Data only."""

from dataclasses import dataclass

from tests.chaos.network.door import Weather

DATABASE, STORE = "database", "redis"


@dataclass(frozen=True)
class Spell:
    """`is_torn`: what was under way when it ends is reset, as a firewall that forgot would do."""

    name: str
    where: str
    weather: Weather
    seconds: float
    is_torn: bool = False


LATE = Weather(latency_s=0.03, jitter_s=0.05)
DRIP = Weather(drip_bytes=256, drip_s=0.003)
QUESTIONS = Weather(reset_share=0.02)
ANSWERS = Weather(swallow_share=0.05)
CUT = Weather(cut_after=6_000)
PARTITION = Weather(is_partitioned=True)
DOWN = Weather(is_down=True)


def spells(usual_s: float, partition_s: float) -> list[Spell]:
    return [
        Spell("latency and jitter", DATABASE, LATE, usual_s),
        Spell("slow drip", DATABASE, DRIP, usual_s),
        Spell("reset before the work", DATABASE, QUESTIONS, usual_s),
        Spell("cut after the work is done", DATABASE, ANSWERS, usual_s),
        Spell("cut after 6,000 bytes", DATABASE, CUT, usual_s),
        Spell("down", DATABASE, DOWN, usual_s),
        Spell("partition", DATABASE, PARTITION, partition_s),
        Spell("partition, then reset", DATABASE, PARTITION, partition_s, is_torn=True),
        Spell("latency and jitter", STORE, LATE, usual_s),
        Spell("slow drip", STORE, Weather(drip_bytes=8, drip_s=0.01), usual_s),
        Spell("cut after the work is done", STORE, Weather(swallow_share=0.3), usual_s),
        Spell("down", STORE, DOWN, usual_s),
        Spell("partition", STORE, PARTITION, partition_s),
    ]


# Two that lose the answer to what was done, one that loses nothing but time.
SHORT = (
    Spell("slow drip", DATABASE, DRIP, 2),
    Spell("cut after the work is done", DATABASE, Weather(swallow_share=0.1), 4),
    Spell("partition, then reset", DATABASE, PARTITION, 4, is_torn=True),
    Spell("partition", STORE, PARTITION, 3),
)
