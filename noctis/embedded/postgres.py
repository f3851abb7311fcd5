"""The embedded PostgreSQL: made, started, adopted, stopped by its own tools, as its user."""

import os
import re
import secrets
import shlex
import shutil
import tempfile
import time
from urllib.parse import quote

from noctis.embedded.binaries import postgres_binaries
from noctis.embedded.errors import EmbeddedError
from noctis.embedded.home import Home
from noctis.embedded.processes import (
    PROC,
    Identity,
    command_line,
    end,
    identity_of,
    run_as,
    wait_until_gone,
)
from noctis.embedded.secret import local_secret

NAME = "noctis"
SECRET = "postgres"  # noqa: S105 - the secret's name, not the secret
TYPED_ONCE = ".pw-"
LARGEST_LOG = 10_000_000

INITDB = (
    f"--username={NAME}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    # An empty cluster is worth no seconds of waiting; everything later is synchronised.
    "--no-sync",
)
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


class Postgres:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.state / "postgres"
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"

    def url(self) -> str:
        """Where applications connect; computed, so it is known before the first start."""
        password = quote(local_secret(self.home.root, SECRET), safe="")
        host = quote(str(self.home.sockets), safe="")
        return f"postgresql://{NAME}:{password}@/{NAME}?host={host}"

    def start(self) -> None:
        """Leave a server running with its database in place, whatever was there before."""
        if not self.data.exists():
            self._initialise()
        if self.process() and self._note(4) != str(self.home.sockets):
            self.stop()  # the folder was moved while the server ran
        if not self.process():
            self._remove_stale_locks()
            self._launch()
        self._ensure_database()

    def stop(self) -> None:
        process = self.process()
        if not process:
            return
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "20")
        if not wait_until_gone(process, 1.0):
            end(process, 5.0)

    def process(self) -> Identity | None:
        """The server of exactly this data folder, not whoever has its number today."""
        pid = self._note(0)
        if not pid.isdigit() or not self._works_here(int(pid)):
            return None
        return identity_of(int(pid))

    def _works_here(self, pid: int) -> bool:
        # A copied folder brings a pid file along, a moved one keeps its server.
        try:
            return (PROC / str(pid) / "cwd").samefile(self.data)
        except OSError:
            return f"-D {self.data}" in command_line(pid) and not PROC.is_dir()

    def _note(self, line: int) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ""
        return lines[line].strip() if line < len(lines) else ""

    def _initialise(self) -> None:
        for half in self.folder.glob("data.new-*"):
            shutil.rmtree(half)
        draft = self.folder / f"data.new-{secrets.token_hex(4)}"
        with tempfile.NamedTemporaryFile("w", dir=self.home.state, prefix=TYPED_ONCE) as file:
            file.write(local_secret(self.home.root, SECRET))
            file.flush()
            if self.home.owner:
                os.fchown(file.fileno(), self.home.owner.uid, self.home.owner.gid)
            said = self._run("initdb", "-D", str(draft), f"--pwfile={file.name}", *INITDB)
        if said:
            shutil.rmtree(draft, ignore_errors=True)
            raise EmbeddedError(f"PostgreSQL cannot make its data folder: {reason(said)}")
        draft.rename(self.data)

    def _remove_stale_locks(self) -> None:
        """A reused number or an unreaped zombie would pass for a running server.

        Two servers on one data folder stay impossible: its shared memory is keyed by its inode."""
        for lock in (self.data / "postmaster.pid", self.home.sockets / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)

    def _launch(self) -> None:
        settings = SETTINGS | {"unix_socket_directories": str(self.home.sockets)}
        options = " ".join(shlex.quote(f"-c{name}={value}") for name, value in settings.items())
        start = ("start", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60")
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        deadline = time.monotonic() + 10
        while said := self._run("pg_ctl", *start, "-o", options):
            told = f"{said}\n{self._end_of_log()}"
            # After kill -9 the server's own children need a moment to notice and let go.
            if "still in use" not in told or time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL does not start: {reason(told)} (log: {self.log})")
            self._end_orphans()
            time.sleep(0.2)

    def _end_orphans(self) -> None:
        """Children of a server that is dead: they work in its folder, and may wait for long."""
        numbers = [int(entry.name) for entry in PROC.glob("[0-9]*")]
        for orphan in filter(None, map(identity_of, filter(self._works_here, numbers))):
            end(orphan, 2.0)

    def _ensure_database(self) -> None:
        deadline = time.monotonic() + 60
        while said := self._client("psql", "-X", "-q", "-d", NAME, "-c", "SELECT 1"):
            if f'database "{NAME}" does not exist' in said:
                said = self._client("createdb", NAME)
            if "password authentication failed" in said:
                raise EmbeddedError(
                    f"{self.home.state} holds the data of an earlier {self.home.root}: "
                    "`make reset` deletes it"
                )
            starting = "starting up" in said or "recovery" in said
            if said and not (starting and time.monotonic() < deadline):
                raise EmbeddedError(f"PostgreSQL does not answer: {reason(said)}")

    def _client(self, tool: str, *arguments: str) -> str:
        password = {"PGPASSWORD": local_secret(self.home.root, SECRET)}
        address = ("-h", str(self.home.sockets), "-U", NAME)
        return self._run(tool, *address, *arguments, extra=password)

    def _run(self, tool: str, *arguments: str, extra: dict[str, str] | None = None) -> str:
        """Empty when it worked, else what the tool said."""
        command = [str(postgres_binaries(self.home) / tool), *arguments]
        done = run_as(self.home.owner, command, folder=self.folder, extra=extra)
        said = f"{done.stdout}\n{done.stderr}".strip()
        return (said or f"exit {done.returncode}") if done.returncode else ""

    def _end_of_log(self) -> str:
        with open(self.log, "rb") as file:
            file.seek(max(0, self.log.stat().st_size - 2_000))
            return file.read().decode(errors="replace")


def reason(said: str) -> str:
    """The one line that matters of what a tool or a log said."""
    if "No space left on device" in said:
        return "the disk is full: free 200 MB and start again"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    grave = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)]
    return (grave or lines or ["no reason given"])[-1]
