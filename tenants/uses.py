"""How often each key calls, counted in this process and written down once a minute for each key."""

import threading
from datetime import datetime, timedelta

from django.db import connection

MOST_KEYS = 10_000
WRITTEN_EVERY = timedelta(minutes=1)
ADD = """
INSERT INTO tenants_keyday (tenant_id, kid, "on", calls, refused) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, kid, "on") DO UPDATE
SET calls = tenants_keyday.calls + excluded.calls,
    refused = tenants_keyday.refused + excluded.refused
"""


class Uses:
    """What was counted since it was last written; it ends with the process, a minute at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[str, list[int]] = {}
        self._since: dict[str, datetime] = {}

    def note(self, kid: str, at: datetime) -> tuple[int, int] | None:
        """Count a call; calls and refusals that are now due to be written."""
        with self._lock:
            if len(self._counted) > MOST_KEYS:
                self._counted.clear()
            counted = self._counted.setdefault(kid, [0, 0])
            counted[0] += 1
            if at - self._since.setdefault(kid, at) < WRITTEN_EVERY:
                return None
            self._since[kid] = at
            calls, refused = self._counted.pop(kid)
        return calls, refused

    def note_refusal(self, kid: str) -> None:
        """Of a call that was counted already."""
        with self._lock:
            self._counted.setdefault(kid, [0, 0])[1] += 1

    def clear(self) -> None:
        with self._lock:
            self._counted.clear()
            self._since.clear()


def write(tenant_id: int, kid: str, at: datetime, counted: tuple[int, int]) -> None:
    """Add to the key's day."""
    with connection.cursor() as cursor:
        cursor.execute(ADD, [tenant_id, kid, at.date(), *counted])


USES = Uses()
