"""PostgreSQL with TimescaleDB out of unpacked packages, in a chroot, on a port of loopback."""

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.timescale.packages import CannotFetch, need_root

BIN = "/usr/lib/postgresql/17/bin"
USER = "nobody:nogroup"
NOBODY = 65534
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "''",
    "shared_preload_libraries": "timescaledb",
    # Its launcher holds every database open, and no test database could be cloned.
    "timescaledb.max_background_workers": "0",
    "timescaledb.telemetry_level": "off",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "max_connections": "60",
}


@contextmanager
def running(root: Path, **settings: str) -> Iterator[str]:
    """The server's URL, for as long as the block lasts; settings are beside or instead of ours."""
    need_root()
    port = _free_port()
    # Two runs at once share what was unpacked, never the data.
    data, inside = root / "srv" / f"data-{port}", f"/srv/data-{port}"
    _furnish(root)
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    os.chown(data, NOBODY, NOBODY)
    _inside(root, "initdb", "-D", inside, "-U", "noctis", "-A", "trust", "-E", "UTF8", "-N")
    options = " ".join(f"-c {name}={value}" for name, value in (SETTINGS | settings).items())
    started = ("-w", "-D", inside, "-l", f"{inside}/log", "-o", f"-p {port} {options}")
    _inside(root, "pg_ctl", "start", *started)
    try:
        yield f"postgresql://noctis@127.0.0.1:{port}/postgres"
    finally:
        _inside(root, "pg_ctl", "stop", "-D", inside, "-m", "immediate")
        shutil.rmtree(data)


def programs(root: Path) -> Path:
    """A folder with pg_dump and pg_restore of the server's version; they run where it does."""
    folder = root.parent / "programs"
    folder.mkdir(exist_ok=True)
    for name in ("pg_dump", "pg_restore"):
        chroot = f"{shutil.which('chroot')} --userspec={USER} {root}"
        (folder / name).write_text(f'#!/bin/sh\nexec {chroot} {BIN}/{name} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _furnish(root: Path) -> None:
    for folder in ("dev", "srv", "tmp", "dev/shm"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).chmod(0o1777)
    (root / "etc" / "passwd").write_text(f"nobody:x:{NOBODY}:{NOBODY}::/tmp:/bin/sh\n")
    for name, (major, minor) in DEVICES.items():
        if not (root / "dev" / name).exists():
            device = os.makedev(major, minor)
            os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, device)
            (root / "dev" / name).chmod(0o666)
    # Packages are unpacked, not installed: the libraries' cache was never made.
    subprocess.run(["chroot", root, "/sbin/ldconfig"], check=True)


def _inside(root: Path, program: str, *words: str) -> None:
    environment = {"LC_ALL": "C.UTF-8", "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"}
    done = subprocess.run(
        ["chroot", f"--userspec={USER}", root, f"{BIN}/{program}", *words],
        env={**environment, "HOME": "/tmp"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        said = (done.stdout or "see its log").strip().splitlines()
        raise CannotFetch(f"{program}: {said[-1]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
