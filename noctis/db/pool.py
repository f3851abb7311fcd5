"""What a forked child does with its parent's connections: leave them alone, open its own."""

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

# Never freed on purpose: freeing or closing them in the child would end the parent's sessions.
_inherited: list[object] = []


def forget_inherited_connections() -> None:
    """Make the next query of this process open a connection, or a pool, of its own."""
    for wrapper in connections.all(initialized_only=True):
        _inherited.append(wrapper)
        del connections[wrapper.alias]
    pools = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]  # not in the stubs
    for pool in pools.values():
        # At exit the destructor of an open pool waits for threads that no child inherits.
        pool._closed = True
    _inherited.extend(pools.values())
    pools.clear()
