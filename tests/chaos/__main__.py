"""`make kills`: the long form. Kills, compares, then breaks two rules and must see them broken."""

import argparse
import random
import sys

from tests.chaos import controls
from tests.chaos.run import Result, drawn, kill_and_compare
from tests.chaos.stack import running_stack

NIGHTS = 24


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--without-controls", action="store_true")
    asked = parser.parse_args()
    with running_stack(NIGHTS) as stack:
        result = kill_and_compare(stack, targets=drawn(asked.kills, asked.seed), seed=asked.seed)
    tell("the platform as it is", result)
    proofs = [result.is_sound and result.kills.total() >= asked.kills]
    for name, broken in () if asked.without_controls else controls.CONTROLS.items():
        with running_stack(NIGHTS) as stack:
            result = broken(stack, asked.seed)
        tell(f"control: {name}", result)
        proofs.append(not result.is_sound)
    sys.stdout.write("as it must be\n" if all(proofs) else "NOT as it must be\n")
    return 0 if all(proofs) else 1


def tell(title: str, result: Result) -> None:
    sys.stdout.write(f"{title}\n{result}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
