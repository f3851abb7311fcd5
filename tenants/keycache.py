"""The signing keys a process knows, each for a few seconds: revocation works within that time."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from tenants import uses
from tenants.callers import Caller
from tenants.models import ServiceClientKey
from tenants.roles import Role, granted
from tenants.signing import KeyBackend, backend_for

MOST_KEYS = 10_000
LAST_USE_EVERY = timedelta(minutes=1)


@dataclass
class KnownKey:
    """A key as its row was when it was read, ready to verify."""

    algorithm: str
    backend: KeyBackend
    expires_at: datetime | None
    last_used_at: datetime | None
    subject: str
    tenant_uuid: str
    caller: Caller

    def has_ended(self, at: datetime) -> bool:
        return self.expires_at is not None and at >= self.expires_at

    def note_use(self, at: datetime) -> None:
        """Write down that a token of this key was accepted, and how often, once a minute."""
        if counted := uses.USES.note(self.caller.kid, at):
            uses.write(self.caller.tenant.pk, self.caller.kid, at, counted)
        long_ago = at - LAST_USE_EVERY
        if self.last_used_at and self.last_used_at >= long_ago:
            return
        self.last_used_at = at
        stale = Q(last_used_at=None) | Q(last_used_at__lt=long_ago)
        ServiceClientKey.objects.filter(stale, kid=self.caller.kid).update(last_used_at=at)


class KeyCache:
    """Bounded; the least recently used key goes first. A key that is not accepted is not kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[KnownKey, float]] = OrderedDict()

    def get(self, kid: str) -> KnownKey | None:
        now = time.monotonic()
        with self._lock:
            known, good_until = self._known.get(kid, (None, 0.0))
            if known and now < good_until:
                self._known.move_to_end(kid)
                return known
            self._known.pop(kid, None)
        return self._read(kid, now)

    def _read(self, kid: str, now: float) -> KnownKey | None:
        """The lifetime counts from before the read, so that it is never longer than promised."""
        row = load(kid)
        if row is None:
            return None
        known = known_key(row)
        with self._lock:
            self._known[kid] = (known, now + settings.KEY_CACHE_SECONDS)
            if len(self._known) > MOST_KEYS:
                self._known.popitem(last=False)
        return known

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


def load(kid: str) -> ServiceClientKey | None:
    """The key's row if its client may call."""
    rows = ServiceClientKey.objects.select_related("client", "tenant")
    usable = rows.filter(kid=kid, client__is_enabled=True)
    return usable.exclude(state=ServiceClientKey.State.REVOKED).first()


def known_key(row: ServiceClientKey) -> KnownKey:
    caller = Caller(
        identity=str(row.client.uuid),
        name=row.client.name,
        kind="client",
        role=row.client.role,
        tenant=row.tenant,
        capabilities=granted(Role(row.client.role), is_platform=row.tenant.is_platform),
        kid=row.kid,
        client_id=row.client_id,
        device_uuid=row.device_uuid,
    )
    return KnownKey(
        algorithm=row.algorithm,
        backend=backend_for(row),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        subject=caller.identity,
        tenant_uuid=str(row.tenant.uuid),
        caller=caller,
    )


KEYS = KeyCache()
