"""Where an instance lives: its folder, its servers' state, their sockets and who owns them.

Computing a home touches nothing; `prepare` makes the folders and leaves their parents alone."""

import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from noctis.embedded.errors import EmbeddedError, explain_os_error

DEFAULT_ROOT = Path(__file__).resolve().parents[2] / "var"
SERVER_FOLDERS = ("postgres", "valkey")
OWN_FOLDERS = ("secrets", "log", "run", "metrics")

# The kernel's sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
# libpq splits host lists at commas and both servers parse quotes and spaces in their own way.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+@-]+")


class Owner(NamedTuple):
    """The unprivileged user that the servers run as when root starts them."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Home:
    root: Path
    state: Path
    sockets: Path
    owner: Owner | None = None

    @classmethod
    def at(cls, root: Path = DEFAULT_ROOT) -> Self:
        root = root.resolve()
        owner = unprivileged_owner() if os.geteuid() == 0 else None
        # PostgreSQL refuses root, and its stand-in cannot look below a private home.
        state = system_state_folder() / fingerprint(root) if owner else root
        return cls(root, state, sockets_folder(state, root), owner)

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics"

    def prepare(self) -> None:
        """Make every folder, private to whoever uses it."""
        try:
            make_private(self.root)
            for name in OWN_FOLDERS:
                make_private(self.root / name)
            if self.owner:
                make_traversable(self.state.parent)
                make_traversable(self.state)
            for name in SERVER_FOLDERS:
                make_private(self.state / name, self.owner)
            make_private(self.sockets, self.owner)
        except OSError as error:
            raise explain_os_error("prepare", error) from error


def fingerprint(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:12]


def unprivileged_owner() -> Owner:
    name = os.environ.get("NOCTIS_EMBEDDED_USER", "").strip() or "nobody"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedError(
            f"there is no user {name!r}: set NOCTIS_EMBEDDED_USER to an unprivileged user"
        ) from None
    if entry.pw_uid == 0:
        raise EmbeddedError("PostgreSQL refuses root: set NOCTIS_EMBEDDED_USER to another user")
    return Owner(name, entry.pw_uid, entry.pw_gid)


def system_state_folder() -> Path:
    parent = Path("/var/lib")
    return (parent if parent.is_dir() else Path("/var/db")) / "noctis"


def sockets_folder(state: Path, root: Path) -> Path:
    """Beside the data where the path is short and plain enough, else in the temporary folder."""
    beside = state / "sockets"
    longest = os.fsencode(beside / LONGEST_SOCKET_NAME)
    if len(longest) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(beside)):
        return beside
    # Not TMPDIR: another shell with another TMPDIR must find the same sockets.
    return Path("/tmp") / f"noctis-{os.geteuid()}-{fingerprint(root)}"  # noqa: S108 - verified


def make_private(folder: Path, owner: Owner | None = None) -> None:
    """A 0700 folder of the given user; one that somebody else put there is refused."""
    uid = owner.uid if owner else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if owner:
            os.chown(folder, owner.uid, owner.gid)
    require_folder_of(folder, uid)
    os.chmod(folder, 0o700)


def make_traversable(folder: Path) -> None:
    """Root's own folder that others may pass through but neither list nor change."""
    folder.mkdir(mode=0o711, exist_ok=True)
    require_folder_of(folder, 0)
    os.chmod(folder, 0o711)  # noqa: S103 - its folders are private


def require_folder_of(folder: Path, uid: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedError(f"{folder} is not a folder: move it away and start again")
    if found.st_uid != uid:
        raise EmbeddedError(
            f"{folder} belongs to {user_name(found.st_uid)}, not to {user_name(uid)}: start as "
            f"the user who owns it, set NOCTIS_VAR_DIR to a folder of your own, or remove it"
        )


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
