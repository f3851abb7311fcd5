"""`make reloads`: a hundred reloads in half a minute under 200 questions a second."""

import argparse
import sys

from tests.chaos.reloads import run

# After which a worker's memory grows no more by questions alone.
WARM_UP_S = 15.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.reloads", description=__doc__)
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument(
        "--still", action="store_true", help="swap nothing: how memory grows by questions alone"
    )
    asked = parser.parse_args()
    guests = asked.reloads // 2
    if asked.still:
        return without_swaps(asked)
    with run.running_platform(guests) as platform:
        result = run.reload_under_questions(
            platform, guests=guests, seconds=asked.seconds, rate=asked.rate, warm_up_s=WARM_UP_S
        )
    verdict = f"NOT as it must be: {'; '.join(result.faults)}" if result.faults else "as it must be"
    sys.stdout.write(f"{result}\n{verdict}\n")
    return 0 if result.is_sound else 1


def without_swaps(asked: argparse.Namespace) -> int:
    weighings = asked.reloads // run.WEIGHED_EVERY
    with run.running_platform(0) as platform:
        result = run.only_questions(
            platform,
            seconds=asked.seconds,
            rate=asked.rate,
            weighings=weighings,
            warm_up_s=WARM_UP_S,
        )
    sys.stdout.write(
        f"{result.asked} questions, {len(result.wrong)} bad answers; {result.weight}\n"
    )
    return bool(result.wrong)


if __name__ == "__main__":
    sys.exit(main())
