"""The stage of a benchmark: servers of its own, and the web server in front of them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from noctis.embedded import Home, Instance
from noctis.embedded.temporary import temporary_home
from noctis.launch import ports, web

UNLIMITED = "sign_in=off,read=off,write=off,ingest=6000000/minute"


@dataclass(frozen=True)
class Stage:
    port: int
    web_pid: int
    database_pid: int
    database_url: str


@contextmanager
def stage(server: str) -> Iterator[Stage]:
    """Everything as in production but on one machine: fsync on, limits asked, JSON logs written."""
    with temporary_home() as home, Instance(home) as instance:
        os.environ |= {
            **instance.addresses(),
            "NOCTIS_VAR_DIR": str(home.root),
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "PROMETHEUS_MULTIPROC_DIR": str(home.metrics),
            "RATE_LIMITS": UNLIMITED,
            # Thirty-two clients may all come to one process; what is refused is not measured here.
            "INGEST_IN_FLIGHT": "64",
            "OTHER_IN_FLIGHT": "64",
            "HOST": ports.LOOPBACK,
            "PORT": str(ports.unasked_port()),
        }
        _prepare()
        with _web(home, server) as web:
            port = int(os.environ["PORT"])
            postmaster = int((home.state / "postgres" / _pid_file(home)).read_text().split()[0])
            yield Stage(port, web.pid, postmaster, os.environ["DATABASE_URL"])


def _pid_file(home: Home) -> Path:
    found = next((home.state / "postgres").rglob("postmaster.pid"))
    return found.relative_to(home.state / "postgres")


def _prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@contextmanager
def _web(home: Home, server: str) -> Iterator[subprocess.Popen[bytes]]:
    with (home.log / "web.log").open("wb") as log:
        process = subprocess.Popen(COMMANDS[server](), stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, home)
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], home: Home) -> None:
    from noctis.launch.supervisor import is_answering

    deadline = time.monotonic() + 30
    while not is_answering(ports.LOOPBACK, int(os.environ["PORT"])):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit((home.log / "web.log").read_text()[-2_000:])
        time.sleep(0.1)


def _granian() -> Sequence[str]:
    """Only to measure against: it is not fit to serve (ADR 16)."""
    where = ["--host", ports.LOOPBACK, "--port", os.environ["PORT"]]
    size = ["--workers", "2", "--blocking-threads", "4", "--http", "1", "--no-ws"]
    program = [sys.executable, "-m", "granian", "--interface", "wsgi"]
    return [*program, *where, *size, "noctis.wsgi:application"]


COMMANDS: dict[str, Callable[[], Sequence[str]]] = {"gunicorn": web.gunicorn, "granian": _granian}
