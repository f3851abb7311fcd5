"""Names a process among all that share a folder of metrics, whichever container each lives in."""

import os
import socket
from functools import cache

from prometheus_client import values

# A file's name is cut at underscores.
HOST = socket.gethostname().replace("_", "-")


@cache
def process_name() -> str:
    """Every container counts its processes from 1, so a number alone names several."""
    return f"{HOST}-{os.getpid()}"


# Each number that is counted asks whether it is still the same process.
os.register_at_fork(after_in_child=process_name.cache_clear)


def name_metric_files() -> None:
    """Before any metric is made: two processes that wrote one file would spoil it."""
    values.ValueClass = values.MultiProcessValue(process_name)
