"""`make test-browser`: what only a browser can show. `screenshots` writes docs/screenshots anew."""

import importlib.util
import os
import shutil
import subprocess
import sys

from tests.browser.stack import CHROMIUM


def main(words: list[str]) -> int:
    if reason := missing():
        sys.stderr.write(f"skipped: {reason}\n")
        return 0
    if words[:1] == ["screenshots"]:
        words = ["tests/browser/take_screenshots.py", *words[1:]]
    # Without tests/conftest.py: it starts servers, and a browser's platform has its own.
    argv = ["--confcutdir=tests/browser", "-p", "no:django", "-p", "no:cacheprovider", "-q"]
    environment = os.environ | {"NOCTIS_BROWSER": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    chosen = words or ["tests/browser"]
    command = [sys.executable, "-m", "pytest", *argv, *chosen]
    return subprocess.run(command, env=environment).returncode


def missing() -> str:
    if not shutil.which(CHROMIUM):
        return f"there is no {CHROMIUM}: apt install chromium"
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: make test-browser installs it"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
