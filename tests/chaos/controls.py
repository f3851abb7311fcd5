"""The same harness on a platform with one rule broken: if it finds nothing, it proves nothing."""

from collections.abc import Callable

from tests.chaos.run import Result, kill_and_compare
from tests.chaos.stack import Stack

# The settings that the embedded server gets by its command line win over the file, but not over
# what a database says for its sessions.
FORGETFUL = (
    "ALTER DATABASE noctis SET synchronous_commit = off",
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
    "SELECT pg_reload_conf()",
)
KEYS = """
SELECT conname FROM pg_constraint
WHERE conrelid = 'recordings_epoch'::regclass AND contype = 'p'
"""


def without_synchronous_commit(stack: Stack, seed: int) -> Result:
    """The answer comes before the log is on disk, and a crash forgets what was answered."""
    stack.sql(*FORGETFUL)
    # Sessions that are open keep what they began with.
    stack.stop_web()
    stack.start_web()
    stack.wait_until_ready()
    return kill_and_compare(stack, targets=["all of PostgreSQL"] * 3, seed=seed)


def without_unique_key(stack: Stack, seed: int) -> Result:
    """Nothing holds a repeated epoch back."""
    ((key,),) = stack.sql(KEYS)
    stack.sql(f'ALTER TABLE recordings_epoch DROP CONSTRAINT "{key}"')
    return kill_and_compare(stack, targets=["worker", "postmaster", "worker"], seed=seed)


CONTROLS: dict[str, Callable[[Stack, int], Result]] = {
    "synchronous_commit = off": without_synchronous_commit,
    "the unique key dropped": without_unique_key,
}
