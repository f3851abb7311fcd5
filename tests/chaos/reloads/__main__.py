"""`make reloads`: a hundred reloads in half a minute under 200 questions a second."""

import argparse
import sys

from tests.chaos.reloads.run import reload_under_questions, running_platform

# After which a worker's memory grows no more by questions alone.
WARM_UP_S = 15.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.reloads", description=__doc__)
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=200)
    asked = parser.parse_args()
    guests = asked.reloads // 2
    with running_platform(guests) as platform:
        result = reload_under_questions(
            platform, guests=guests, seconds=asked.seconds, rate=asked.rate, warm_up_s=WARM_UP_S
        )
    sys.stdout.write(f"{result}\n{'as it must be' if result.is_sound else 'NOT as it must be'}\n")
    return 0 if result.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
