"""`make replay-nights`: nights by two versions on two workers that are killed (NIGHTS=1000)."""

import argparse
import sys

from tests.chaos.replays.run import replay_and_compare


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.replays", description=__doc__)
    parser.add_argument("--nights", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=4)
    asked = parser.parse_args()
    result = replay_and_compare(asked.nights, kills=asked.kills)
    again = sum(told["tried_again"] for told in result.found)
    lines = (
        f"killed       {result.killed}",
        f"undisturbed  {result.undisturbed}",
        f"counted      {[told['nights'] for told in result.found]}, tried again {again}",
        f"predictions  {result.predictions[0]}, of which different {result.predictions[1]}",
        "each night once, as in one process" if result.is_sound else "NOT as in one process",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if result.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
