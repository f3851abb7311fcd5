"""What the operating system says of processes: CPU seconds of a group, and who else was busy."""

import os
import random
import time
from functools import cache
from pathlib import Path

WALKED = 300_000
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(roots: list[int]) -> float:
    """CPU seconds of these processes and all their descendants, the ended ones included."""
    parents = {pid: _stat(pid) for pid in _pids()}
    wanted, found = set(roots), True
    while found:
        more = {pid for pid, stat in parents.items() if stat and int(stat[1]) in wanted} - wanted
        wanted |= more
        found = bool(more)
    ticks = 0
    for pid in wanted:
        stat = parents.get(pid) or _stat(pid)
        if stat:
            ticks += sum(int(stat[field]) for field in (11, 12, 13, 14))
    return ticks / TICKS


def machine_cpu_s() -> float:
    """CPU seconds of everybody, idle time left out."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICKS


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """The fields after the command's name: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


@cache
def reference_ms() -> float:
    """How fast the machine is just now, asked once a run: CPU milliseconds of a loop that never
    changes.

    A shared machine is half as fast at times: figures of two runs are compared by this."""
    return min(_loop_ms() for _ in range(5))


def _loop_ms() -> float:
    started, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return (time.process_time() - started) * 1000


@cache
def reference_step_ns() -> float:
    """How far away the memory is just now, asked once a run: CPU nanoseconds a step of a walk
    through 10 MB.

    The loop above notices nothing of it, and a server does: docs/performance.md."""
    places = list(range(WALKED))
    random.Random(1).shuffle(places)
    onwards = [0] * WALKED
    for place, following in zip(places, places[1:] + places[:1], strict=True):
        onwards[place] = following
    return min(_walk_ns(onwards) for _ in range(5))


def _walk_ns(onwards: list[int]) -> float:
    started, place = time.process_time(), 0
    for _ in range(WALKED):
        place = onwards[place]
    return (time.process_time() - started) / WALKED * 1e9
