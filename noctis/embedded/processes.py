"""Processes told apart for certain: a number is reused, a number with its start time is not.

Nothing here signals a process whose identity was not checked just before."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from noctis.embedded.errors import EmbeddedError
from noctis.embedded.home import Owner

PROC = Path("/proc")
# Fields of /proc/<pid>/stat, counted behind the command name that may hold anything.
STATE, GROUP, START_TIME = 0, 2, 19


@dataclass(frozen=True)
class Identity:
    pid: int
    started: str

    def is_alive(self) -> bool:
        return identity_of(self.pid) == self


def identity_of(pid: int) -> Identity | None:
    """None for a process that is gone, a zombie included."""
    started = started_by_proc(pid) if (PROC / "self/stat").exists() else started_by_ps(pid)
    return Identity(pid, started) if started else None


def stat_fields(pid: int) -> list[str]:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def started_by_proc(pid: int) -> str:
    fields = stat_fields(pid)
    if not fields or fields[STATE] in "ZX":
        return ""
    # The start is counted from boot, so the boot belongs to it.
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{fields[START_TIME]}"


def started_by_ps(pid: int) -> str:
    answer = ps("-o", "stat=,lstart=", "-p", str(pid)).strip()
    state, _, started = answer.partition(" ")
    return "" if state.startswith("Z") else started.strip()


def ps(*arguments: str) -> str:
    command = ["ps", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def group_members(group: int) -> list[Identity]:
    """Every living process of a process group."""
    if (PROC / "self/stat").exists():
        numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
        pids = [pid for pid in numbers if stat_fields(pid)[GROUP : GROUP + 1] == [str(group)]]
    else:
        rows = (row.split() for row in ps("-A", "-o", "pid=,pgid=").splitlines())
        pids = [int(pid) for pid, its_group in rows if int(its_group) == group]
    return [member for member in map(identity_of, pids) if member]


def command_line(pid: int) -> str:
    """The arguments of a process, joined by spaces; empty when it is gone."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except FileNotFoundError:
        return "" if (PROC / "self/stat").exists() else ps("-o", "args=", "-p", str(pid)).strip()
    except ProcessLookupError:
        return ""
    return os.fsdecode(raw).replace("\0", " ").strip()


def record(path: Path, identity: Identity) -> None:
    """Keep an identity for whoever has to take over; readers see the old or the new one whole."""
    draft = path.with_name(f"{path.name}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(identity), file)
    draft.replace(path)


def recorded(path: Path) -> Identity | None:
    """The identity kept there, if any; a half-written file of a full disk counts as none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Identity(int(kept["pid"]), str(kept["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def wait_until_gone(identity: Identity, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while identity.is_alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(identity: Identity, seconds: float) -> None:
    """Ask a process to stop, then insist."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        if not identity.is_alive():
            return
        send(identity.pid, number)
        if wait_until_gone(identity, patience):
            return
    raise EmbeddedError(f"process {identity.pid} does not stop: end it by hand and start again")


def end_group(leader: Identity, seconds: float) -> bool:
    """Ask a group's leader to stop, then end what is left of its group. False: nothing of it is."""
    if leader.is_alive():
        send(leader.pid, signal.SIGTERM)
        wait_until_gone(leader, seconds)
    elif not is_orphaned(leader.pid):
        return False
    for member in group_members(leader.pid):
        send(member.pid, signal.SIGKILL)
        wait_until_gone(member, 5.0)
    return True


def is_orphaned(group: int) -> bool:
    """Without its leader a group's number proves little, so its members must run this Python."""
    members = group_members(group)
    return bool(members) and all(
        member.pid != group and is_this_python(member) for member in members
    )


def is_this_python(process: Identity) -> bool:
    """By its folder, for the environment's Python goes by several names there."""
    return command_line(process.pid).startswith(f"{Path(sys.executable).parent}/")


def end_recorded_programs(folder: Path, seconds: float = 10.0) -> list[str]:
    """End what a killed supervisor left behind; its records name them. Says which."""
    ended = []
    for path in sorted(folder.glob("*.program")):
        leader = recorded(path)
        if leader and end_group(leader, seconds):
            ended.append(path.stem)
        path.unlink()
    return ended


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself, which is what was asked


def run_as(
    owner: Owner | None, command: list[str], *, folder: Path, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a server's own tool as the servers' user, free of this shell's PG* variables."""
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | (extra or {})
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        name = Path(command[0]).name
        raise EmbeddedError(f"{name} did not finish in 120 s: is the disk very slow?") from error
    except OSError as error:
        who = f" as {owner.name}" if owner else ""
        raise EmbeddedError(f"cannot run {command[0]}{who}: {error.strerror}") from error
