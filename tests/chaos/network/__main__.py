"""`make weather`: the long form. Every spell, partitions of a minute, then two controls."""

import argparse
import sys

from tests.chaos.network.controls import CONTROLS
from tests.chaos.network.run import Result, standing, weather
from tests.chaos.network.weathers import spells

NIGHTS = 24


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.network", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each spell")
    parser.add_argument("--partition", type=float, default=60, help="seconds of each partition")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pool", type=int, default=0, help="connections that a worker shares")
    asked = parser.parse_args()
    pool = {"DB_POOL_SIZE": str(asked.pool), "DB_MAX_OVERFLOW": "0"} if asked.pool else {}
    with standing(NIGHTS, **pool) as house:
        result = weather(house, spells(asked.seconds, asked.partition), seed=asked.seed)
    tell("the platform as it is", result)
    proofs = [result.is_sound]
    for name, broken in CONTROLS.items():
        with standing(NIGHTS) as house:
            result = broken(house, asked.seed)
        tell(f"control: {name}", result)
        proofs.append(not result.is_sound)
    sys.stdout.write("as it must be\n" if all(proofs) else "NOT as it must be\n")
    return 0 if all(proofs) else 1


def tell(title: str, result: Result) -> None:
    sys.stdout.write(f"{title}\n{result}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
