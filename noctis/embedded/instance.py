"""Both embedded servers of one home, started and stopped together by one holder of its lock."""

import shutil
from types import TracebackType
from typing import Self

from noctis.embedded.errors import explain_os_error
from noctis.embedded.home import OWN_FOLDERS, SERVER_FOLDERS, Home
from noctis.embedded.lock import Lock
from noctis.embedded.postgres import TYPED_ONCE, Postgres
from noctis.embedded.processes import end_recorded_programs
from noctis.embedded.valkey import Valkey


class Instance:
    """As a context manager it holds the lock from before the start until after the stop."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.lock = Lock(home.root / "lock")
        self.postgres = Postgres(home)
        self.valkey = Valkey(home)

    def __enter__(self) -> Self:
        self.hold()
        try:
            self.start()
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def hold(self) -> None:
        """Become the only one who may start and stop the servers of this home."""
        self.home.prepare()
        self.lock.acquire()

    def release(self) -> None:
        try:
            self.stop()
        finally:
            self.lock.release()

    def start(self) -> None:
        """Start what does not run, adopt what does. The caller holds the lock."""
        try:
            self.valkey.start()
            self.postgres.start()
        except OSError as error:
            raise explain_os_error("start the servers in", error) from error

    def stop(self) -> None:
        try:
            self.postgres.stop()
        finally:
            self.valkey.stop()

    def is_running(self) -> bool:
        return bool(self.postgres.process() and self.valkey.process())

    def addresses(self) -> dict[str, str]:
        """What an application needs to connect; the same before, during and after a run."""
        return {"DATABASE_URL": self.postgres.url(), "REDIS_URL": self.valkey.url()}

    def reset(self) -> None:
        """Stop what runs and delete what servers and platform keep here. Refused while held."""
        self.hold()
        try:
            end_recorded_programs(self.home.run)
            self.stop()
            self._delete()
        finally:
            self.lock.release()

    def _delete(self) -> None:
        home = self.home
        theirs = [home.state / name for name in (*SERVER_FOLDERS, "sockets")]
        ours = [home.root / name for name in OWN_FOLDERS]
        try:
            for folder in (home.sockets, *theirs, *ours):
                if folder.exists():
                    shutil.rmtree(folder)
            # Of a start that was killed while it made the data folder.
            for left in home.state.glob(f"{TYPED_ONCE}*"):
                left.unlink()
            if home.owner:
                home.state.rmdir()
        except OSError as error:
            raise explain_os_error("delete", error) from error
