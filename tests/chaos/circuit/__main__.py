"""`make circuit`: refusals while the database is gone, then a platform without a circuit."""

import argparse
import sys

from tests.chaos.circuit.run import Outcome, measure
from tests.chaos.stack import running_stack

# The circuit of a platform that never gives up.
NEVER = {"DB_CIRCUIT_FAILURE_THRESHOLD": "1000000"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.circuit", description=__doc__)
    parser.add_argument("--calls", type=int, default=600)
    asked = parser.parse_args()
    with running_stack(1) as stack:
        result = measure(stack, calls=asked.calls)
    tell("the platform as it is", result)
    with running_stack(1, **NEVER) as stack:
        control = measure(stack, calls=60)
    tell("control: without a circuit", control)
    proofs = [result.is_sound, not control.is_sound]
    sys.stdout.write("as it must be\n" if all(proofs) else "NOT as it must be\n")
    return 0 if all(proofs) else 1


def tell(title: str, result: Outcome) -> None:
    sys.stdout.write(f"{title}\n{result}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
