"""The embedded Valkey: started, adopted and stopped over its own socket, as its user."""

import socket
import time
from pathlib import Path
from urllib.parse import quote

from noctis.embedded.binaries import valkey_server
from noctis.embedded.errors import EmbeddedError
from noctis.embedded.home import Home
from noctis.embedded.processes import (
    Identity,
    end,
    identity_of,
    record,
    recorded,
    run_as,
    wait_until_gone,
)

# The folder is the working directory of the process, so no path needs Valkey's quoting.
OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "yes",
    "dir": "./",
    "logfile": "server.log",
    "pidfile": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
}
LARGEST_LOG = 10_000_000
# What `ask` says of a server that accepts a connection and does not answer on it.
SILENT = "-SILENT"
READY_WITHIN_S = 20.0


class Valkey:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.state / "valkey"
        self.log = self.folder / "server.log"
        self.socket = home.sockets / "valkey.sock"
        self._record = home.run / "valkey.server"

    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def start(self) -> None:
        """Leave a server running that answers, whatever was there before."""
        if not (self.process() and self._answers_in_time()):
            self._launch()
            if not self._answers_in_time():
                raise EmbeddedError(f"Valkey does not answer: {self._reason('')}")
        if process := self.process():
            record(self._record, process)

    def stop(self) -> None:
        process = self.process() or self._lost()
        if not process:
            return
        ask(self.socket, "SHUTDOWN")
        if not wait_until_gone(process, 10.0):
            end(process, 5.0)

    def process(self) -> Identity | None:
        """Whoever answers on the socket, where only our user can have put it; or who is busy there.

        Who has no time to say its number, and is the one recorded, was not stopped."""
        reply = ask(self.socket, "INFO server")
        fields = dict(line.split(":", 1) for line in reply.split() if ":" in line)
        pid = fields.get("process_id", "")
        if pid.isdigit():
            return identity_of(int(pid))
        return self._lost() if reply else None

    def _lost(self) -> Identity | None:
        """One that was started here, lives and does not answer."""
        kept = recorded(self._record)
        return kept if kept and kept.is_alive() else None

    def _launch(self) -> None:
        if lost := self._lost():
            end(lost, 5.0)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        command = [str(valkey_server(self.home)), "--unixsocket", str(self.socket)]
        for name, value in OPTIONS.items():
            command += [f"--{name}", value]
        done = run_as(self.home.owner, command, folder=self.folder)
        if done.returncode:
            raise EmbeddedError(f"Valkey does not start: {self._reason(done.stdout + done.stderr)}")

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + READY_WITHIN_S
        while not ask(self.socket, "PING").startswith("+PONG"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _reason(self, said: str) -> str:
        logged = self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""
        lines = [line.strip() for line in f"{logged}\n{said}".splitlines() if line.strip()]
        last = lines[-1] if lines else "no reason given"
        if "No space left on device" in last:
            last = "the disk is full: free 200 MB and start again"
        return f"{last} (log: {self.log})"


def ask(path: Path, command: str) -> str:
    """One inline command and the reply's beginning; empty when nobody is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(path))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(65_536).decode(errors="replace")
        except (FileNotFoundError, ConnectionError):
            return ""
        except (TimeoutError, BlockingIOError):
            return SILENT
