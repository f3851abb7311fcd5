"""`make overload`: the long form, a minute at three times the peak."""

import argparse
import sys

from tests.chaos.overload.run import overload
from tests.chaos.stack import running_stack

NIGHTS = 12


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with running_stack(NIGHTS, RATE_LIMITS="ingest=off,read=off") as stack:
        outcome = overload(stack, peak_s=10, over_s=asked.seconds, seed=asked.seed)
    verdict = "as it must be" if outcome.is_sound else "NOT as it must be"
    sys.stdout.write(f"{outcome}\n{verdict}\n")
    return 0 if outcome.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
