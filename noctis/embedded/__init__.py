"""PostgreSQL and Valkey for a machine that has only Python: lifecycle without Django.

Importing this, and asking for addresses and secrets, starts nothing."""

from pathlib import Path

from noctis.embedded.errors import EmbeddedError
from noctis.embedded.home import Home
from noctis.embedded.instance import Instance
from noctis.embedded.lock import AlreadyRunning
from noctis.embedded.secret import local_secret

__all__ = ["AlreadyRunning", "EmbeddedError", "Home", "Instance", "addresses", "local_secret"]


def addresses(root: Path) -> dict[str, str]:
    """`DATABASE_URL` and `REDIS_URL` of the instance in that folder, running or not."""
    return Instance(Home.at(root)).addresses()
