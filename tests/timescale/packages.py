"""Debian's own packages in a folder of their own; the system's packages are never touched.

The mirror is the one that this machine's apt is configured for, the keyring the distribution's."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

SUITE = "trixie"
# The shell is there on every Debian, so nothing depends on it.
PACKAGES = ("postgresql-17-timescaledb", "dash")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LONGEST_S = 180
SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
OF_ROOT = "/usr/sbin:/sbin"


class CannotFetch(Exception):
    """Says in one line why there is no TimescaleDB to be had here."""


def fetch(folder: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Download, verify and unpack into `folder`; answers the root of what was unpacked."""
    root = folder / "root"
    if (folder / "done").exists():
        return root
    _refuse_elsewhere()
    options = _options(folder, _mirror())
    _run(["apt-get", *options, "update"])
    _run(["apt-get", *options, "install", "--download-only", "-y", *packages])
    root.mkdir(exist_ok=True)
    # Its folders are links since Debian merged them: a package unpacks through them.
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        _unpack(package, root)
    (folder / "done").touch()
    return root


def need_root() -> None:
    """For a chroot; cron, and su without a login, leave root's own programs out of the path."""
    if os.geteuid() != 0:
        raise CannotFetch("a chroot needs root: run it as root, or in a container")
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:{OF_ROOT}"


def _refuse_elsewhere() -> None:
    missing = [name for name in ("apt-get", "dpkg-deb", "tar") if shutil.which(name) is None]
    if missing or not KEYRING.exists():
        raise CannotFetch("this machine has no Debian's apt, or not its keyring")


def _mirror() -> str:
    for text in _sources():
        for found in re.findall(
            r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+/debian/?)(?:\s|$)", text, re.M
        ):
            return found
    raise CannotFetch("apt is configured for no Debian mirror")


def _sources() -> Iterator[str]:
    for place in SOURCES:
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            if path.is_file():
                yield path.read_text()


def _options(folder: Path, mirror: str) -> list[str]:
    """Lists, cache and status of our own; nothing is installed there, so all is downloaded."""
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
    places = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::Etc::preferencesparts": folder / "parts",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::State::extended_states": folder / "extended",
        "Dir::Cache": folder / "cache",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        # A mirror that does not answer is none.
        "Acquire::http::Timeout": "20",
        "Acquire::Retries": "1",
    }
    return [word for name, value in places.items() for word in ("-o", f"{name}={value}")]


def _unpack(package: Path, root: Path) -> None:
    """As dpkg does it: a link to a folder stays one, though the package has a folder there."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as read:
        _run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=read.stdout)


def _run(words: list[object], **more: object) -> None:
    command = [str(word) for word in words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, **more)
    except subprocess.TimeoutExpired:
        raise CannotFetch(f"{command[0]}: no end after {LONGEST_S} seconds") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise CannotFetch(f"{words[0]}: {said[-1]}")
