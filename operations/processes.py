"""What the kernel tells of a process: memory now, and since when it runs. Pure; Linux alone."""

import os
from pathlib import Path

PROC = Path("/proc")
# Behind the command's name, which may hold anything: the start, in ticks since the boot.
START_TIME = 19


def memory_bytes(pid: int) -> int | None:
    """Resident now; what processes share counts in each."""
    try:
        pages = (PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def uptime_s(pid: int) -> float | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        since_boot = float((PROC / "uptime").read_text(encoding="ascii").split()[0])
    except (OSError, IndexError):
        return None
    started = int(stat.rpartition(")")[2].split()[START_TIME]) / os.sysconf("SC_CLK_TCK")
    return max(since_boot - started, 0.0)
