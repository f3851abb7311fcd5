"""Containers share a folder of metrics, and each has a process of the same number."""

import os
import subprocess
import sys
from pathlib import Path

from noctis.launch.programs import REPOSITORY

COUNT = """
import os, sys
os.getpid = lambda: 7
from noctis import process_names
process_names.HOST = sys.argv[1]
import noctis.wsgi
from noctis import metrics
metrics.ERRORS.labels(code="x").inc()
"""


def test_two_containers_whose_processes_have_one_number_write_two_files(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for host in ("one", "two"):
        words = [sys.executable, "-c", COUNT, host]
        subprocess.run(words, env=environment, cwd=REPOSITORY, check=True, timeout=60)

    written = {path.name for path in tmp_path.glob("counter_*")}

    assert written == {"counter_one-7.db", "counter_two-7.db"}
