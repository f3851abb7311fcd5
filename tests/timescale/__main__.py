"""`make test-timescale`: the tests of storage and ingest on a real TimescaleDB, Apache edition.

With INTEGRATION_TEST_DATABASE_URL they run on the server that it names, of whichever edition."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.timescale import packages, server

FOLDER = Path(tempfile.gettempdir()) / "noctis-timescaledb"
TESTS = (
    *("tests/operations", "tests/db", "tests/recordings", "tests/inference/test_predict_log.py"),
    *("tests/inference/test_staging.py", "tests/inference/test_models_rows.py"),
)


def main(words: list[str]) -> int:
    if url := os.environ.get("INTEGRATION_TEST_DATABASE_URL"):
        return run_pytest(url, words)
    FOLDER.mkdir(mode=0o755, exist_ok=True)
    if FOLDER.stat().st_uid != os.geteuid():
        sys.stderr.write(f"skipped: {FOLDER} is somebody else's\n")
        return 0
    try:
        root = packages.fetch(FOLDER)
        with server.running(root) as url:
            os.environ["BACKUP_TOOLS_DIR"] = str(server.programs(root))
            return run_pytest(url, words)
    except packages.CannotFetch as error:
        sys.stderr.write(f"skipped: no TimescaleDB to be had here: {error}\n")
        return 0


def run_pytest(url: str, words: list[str]) -> int:
    environment = os.environ | {"INTEGRATION_TEST_DATABASE_URL": url}
    has_paths = any(not word.startswith("-") for word in words)
    chosen = words if has_paths else [*TESTS, *words]
    return subprocess.run([sys.executable, "-m", "pytest", *chosen], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
