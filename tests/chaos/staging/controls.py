"""The same harness on a platform with one rule broken: if it finds nothing, it proves nothing."""

from collections.abc import Callable

from tests.chaos.staging.run import GOING_ON, OVER, Result, kill_and_compare
from tests.chaos.staging.stack import running_stack


def without_sweeps(seed: int) -> Result:
    """Nobody looks for what is due: what was cut short stays undone."""
    with running_stack(OVER, GOING_ON) as stack:
        return kill_and_compare(
            stack,
            targets=["child"] * 6,
            seed=seed,
            settled_within_s=20,
            before_the_end=lambda: stack.end("beat"),
        )


def without_one_transaction(seed: int) -> Result:
    """Stages are committed before their hypnogram; the night grows before it is tried again."""
    with running_stack(OVER, GOING_ON, include="tests.chaos.staging.halving") as stack:
        return kill_and_compare(stack, targets=["worker", "child"] * 5, seed=seed)


CONTROLS: dict[str, Callable[[int], Result]] = {
    "no sweeps": without_sweeps,
    "committed in pieces": without_one_transaction,
}
