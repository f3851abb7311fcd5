"""A door between application and PostgreSQL that can be shut, or lose the answer to a COMMIT."""

import select
import socket
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Listens on a loopback port; `server` is the unix socket that it leads to."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.is_shut = False
        self.loses_commits = 0  # the answers that are still to be lost
        self.calls = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.calls += 1
            if self.is_shut:
                client.close()
                continue
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self.server)
            while self._pass_on(client, server):
                pass

    def _pass_on(self, client: socket.socket, server: socket.socket) -> bool:
        for source in select.select([client, server], [], [])[0]:
            sent = source.recv(65_536)
            if not sent:
                return False
            (server if source is client else client).sendall(sent)
            if source is client and b"COMMIT" in sent and self.loses_commits:
                self.loses_commits -= 1
                server.recv(65_536)  # it is done, and nobody will hear of it
                return False
        return True
