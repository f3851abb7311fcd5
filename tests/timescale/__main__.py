"""`make test-timescale`: the tests of storage and ingest on a real TimescaleDB, Apache edition.

With INTEGRATION_TEST_DATABASE_URL they run on the server that it names, of whichever edition."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.timescale import packages, server

FOLDER = Path(tempfile.gettempdir()) / "noctis-timescaledb"
# What touches rows over time, their chunks, or how the server is asked; the rest is the same on
# every edition and runs on the embedded server.
TESTS = (
    *("tests/operations/test_storage_api.py", "tests/operations/test_storage_editions.py"),
    *("tests/operations/test_storage_full.py", "tests/operations/test_storage_kept.py"),
    *("tests/operations/test_storage_retention.py", "tests/operations/test_summaries.py"),
    *("tests/operations/test_backup.py", "tests/operations/test_backup_full.py"),
    *("tests/db/test_backend.py", "tests/db/test_triggers.py", "tests/db/test_constraints.py"),
    *("tests/recordings/test_ingest.py", "tests/recordings/test_ingest_device.py"),
    *("tests/recordings/test_reads.py", "tests/recordings/test_erasure.py"),
    *("tests/recordings/test_append_plan.py", "tests/recordings/test_ingest_properties.py"),
    *("tests/inference/test_predict_log.py", "tests/inference/test_predict_pending.py"),
    *("tests/inference/test_staging.py", "tests/inference/test_predict_plan.py"),
)
# A suite that hangs is a failure, not a reason to wait.
LONGEST_S = 900


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
    command = [sys.executable, "-m", "pytest", *chosen]
    try:
        return subprocess.run(
            command, env=environment, timeout=None if words else LONGEST_S
        ).returncode
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"failed: not done after {LONGEST_S} seconds\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
