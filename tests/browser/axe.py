"""axe-core from npm: one version, checked against its hash, kept in a cache folder."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

VERSION = "4.14.1"
INTEGRITY = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
SERIOUS = {"serious", "critical"}
RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map((v) => ({
    id: v.id, impact: v.impact, nodes: v.nodes.map((n) => n.target.join(" ")),
    why: v.nodes.map((n) => n.failureSummary).slice(0, 2).join(" "),
  }));
}"""


class CannotFetch(Exception):
    """npm is not to be had here."""


def source() -> str:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "noctis-browser"
    archive = folder / f"axe-core-{VERSION}.tgz"
    if not archive.exists():
        _fetch(archive)
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if base64.b64encode(digest).decode() != INTEGRITY:
        archive.unlink()
        raise ValueError(f"{archive.name} is not what its hash says; it was deleted")
    with tarfile.open(archive) as packed:
        script = packed.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def _fetch(archive: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CannotFetch("there is no npm")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        wanted = ["pack", f"axe-core@{VERSION}", "--pack-destination", folder, "--ignore-scripts"]
        done = subprocess.run([npm, *wanted], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise CannotFetch(done.stderr.strip().splitlines()[-1])
        (Path(folder) / archive.name).replace(archive)


def serious(page: Page, script: str) -> list[str]:
    """What hinders somebody. Evaluated by the debugger, which the page's policy does not bind."""
    page.evaluate(script)
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{page.url}: {one['id']} at {', '.join(one['nodes'][:3])}: {one['why']}"
        for one in found
        if one["impact"] in SERIOUS
    ]
