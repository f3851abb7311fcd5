"""Random secrets of one machine, made once and kept in files that only their owner reads."""

import os
import secrets
from pathlib import Path

from noctis.embedded.errors import explain_os_error
from noctis.embedded.home import make_private

LENGTH = 50


def local_secret(root: Path, name: str) -> str:
    """The secret of that name, made by whoever asks first. Processes that ask at once agree."""
    kept = root / "secrets" / name
    try:
        if not kept.exists():
            root.mkdir(mode=0o700, exist_ok=True)
            make_private(kept.parent)
            make_secret(kept)
        return kept.read_text(encoding="ascii")
    except OSError as error:
        raise explain_os_error("keep a secret in", error) from error


def make_secret(kept: Path) -> None:
    draft = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(LENGTH)[:LENGTH])
            file.flush()
            os.fsync(file.fileno())
        publish(draft, kept)
    finally:
        draft.unlink()


def publish(draft: Path, kept: Path) -> None:
    """A hard link appears whole or not at all, and never replaces another's secret."""
    try:
        os.link(draft, kept)
    except FileExistsError:
        return
