"""`make kills-staging`: kills workers that stage, then breaks two rules and must see it."""

import argparse
import random
import sys

from tests.chaos.staging import controls
from tests.chaos.staging.run import GOING_ON, OVER, Result, drawn, kill_and_compare
from tests.chaos.staging.stack import running_stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.staging", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--without-controls", action="store_true")
    asked = parser.parse_args()
    with running_stack(OVER, GOING_ON) as stack:
        result = kill_and_compare(stack, targets=drawn(asked.kills, asked.seed), seed=asked.seed)
    tell("the platform as it is", result)
    proofs = [result.is_sound and result.kills.total() >= asked.kills and result.cut_short > 0]
    for name, broken in () if asked.without_controls else controls.CONTROLS.items():
        result = broken(asked.seed)
        tell(f"control: {name}", result)
        proofs.append(not result.is_sound)
    sys.stdout.write("as it must be\n" if all(proofs) else "NOT as it must be\n")
    return 0 if all(proofs) else 1


def tell(title: str, result: Result) -> None:
    sys.stdout.write(f"{title}\n{result}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
