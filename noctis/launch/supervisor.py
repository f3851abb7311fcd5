"""The one process in the foreground: holds the home, keeps servers and programs running, stops all.

Nothing outlives it for good: what a killed supervisor leaves, the next one ends or adopts."""

import http.client
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Self

from noctis.celery import app
from noctis.embedded import Home, Instance
from noctis.embedded.processes import end_recorded_programs
from noctis.launch import ports, web
from noctis.launch.programs import Child, Program

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
LOOK_EVERY_S = 0.25
SERVERS_EVERY_S = 2.0


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM; not an error, so nothing that handles errors sees it."""


class StopSignals:
    """The first signal stops the work wherever it is, the second stops waiting for it."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet = False

    def __enter__(self) -> Self:
        # A signal that is ignored (nohup) stays ignored.
        wanted = [number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._handle) for number in wanted}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if not self._quiet:
            self._quiet = True
            raise StopRequested

    def keep_quiet(self) -> None:
        """From now on signals only count: cleaning up must not be torn apart."""
        self._quiet = True

    def is_hurried(self) -> bool:
        return self._count > 1


class Supervisor:
    """Runs programs in their order, restarts what crashes, stops them in the reverse order."""

    def __init__(self, programs: Sequence[Program], home: Home) -> None:
        self._children = [Child(program, home) for program in programs]

    def start(self) -> None:
        """Start all, then wait for those that can tell when they are ready."""
        for child in self._children:
            child.start()
        for child in self._children:
            child.wait_until_ready(READY_WITHIN_S)

    def look_after(self) -> None:
        for child in self._children:
            if news := child.restart_when_due():
                tell(news)

    def stop(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        for child in reversed(self._children):
            child.stop(STOP_WITHIN_S, is_hurried)


def run(
    home: Home,
    port: int,
    prepare: Callable[[], None],
    announce: Callable[[], None],
    *,
    host: str = ports.LOOPBACK,
    programs: Sequence[Program] = (),
) -> int:
    """Run the platform in the foreground until a signal ends it; 0 when it was asked to stop.

    `prepare` runs with the servers up and the environment set, `announce` when the web answers.
    Other programs than the platform's may be given, for a partial run."""
    ports.require_loopback(host)
    with StopSignals() as signals:
        try:
            with ExitStack() as stack:
                try:
                    instance = take_over(home, host, port, stack)
                    supervisor = Supervisor(programs or platform(host, port), home)
                    stack.callback(supervisor.stop, signals.is_hurried)
                    prepare()
                    supervisor.start()
                    announce()
                    watch(instance, supervisor)
                finally:
                    signals.keep_quiet()
        except StopRequested:
            tell("stopped")
    return 0


def take_over(home: Home, host: str, port: int, stack: ExitStack) -> Instance:
    """Have the home's servers running, whatever its last supervisor left behind."""
    instance = Instance(home)
    instance.hold()
    stack.callback(instance.release)
    for name in end_recorded_programs(home.run):
        tell(f"ended {name} of a supervisor that was killed")
    ports.require_free(host, port)
    instance.start()
    set_environment(instance, host, port)
    empty(home)
    return instance


def set_environment(instance: Instance, host: str, port: int) -> None:
    """What the programs inherit; an address that somebody set already is theirs to choose."""
    os.umask(0o077)
    for name, address in instance.addresses().items():
        os.environ[name] = os.environ.get(name) or address
    os.environ |= {
        "HOST": host,
        "PORT": str(port),
        "NOCTIS_VAR_DIR": str(instance.home.root),
        "PROMETHEUS_MULTIPROC_DIR": str(instance.home.metrics),
        "PYTHONUNBUFFERED": "1",
    }


def empty(home: Home) -> None:
    """Metrics of processes that are gone would be added to those of the new ones."""
    shutil.rmtree(home.metrics)
    home.metrics.mkdir(mode=0o700)


def platform(host: str, port: int) -> list[Program]:
    python = (sys.executable, "-m")
    celery = (*python, "celery", "-A", "noctis.celery")
    return [
        Program(
            "worker", (*celery, "worker", "--loglevel=INFO", "--concurrency=2"), ready=is_working
        ),
        Program("web", web.gunicorn(), ready=partial(is_answering, host, port)),
        Program("beat", (*celery, "beat", "--loglevel=INFO")),
    ]


def is_answering(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):  # nobody, or somebody who speaks no HTTP
        return False
    finally:
        connection.close()


def is_working() -> bool:
    """A worker answers through the broker, as it will for every task."""
    return bool(app.control.ping(timeout=0.5, limit=1))


def watch(instance: Instance, supervisor: Supervisor) -> None:
    """Until a signal comes: restart what crashed, servers included."""
    next_look = 0.0
    while True:
        supervisor.look_after()
        if time.monotonic() > next_look:
            if not instance.is_running():
                tell("a server stopped, starting it again")
                instance.start()
            next_look = time.monotonic() + SERVERS_EVERY_S
        time.sleep(LOOK_EVERY_S)
