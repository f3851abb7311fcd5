"""Tokens that this process has verified whole: believed again while the key is the one known then.

A client sends one token thousands of times. What time can change is asked each time: the token's
end, the key's end, and whether the key cache still holds the very key that verified it.
"""

import threading
import time
from collections import OrderedDict

from django.utils import timezone

from tenants.callers import Caller
from tenants.keycache import KEYS, KnownKey

MOST_TOKENS = 2_000


class VerifiedTokens:
    """Bounded; the least recently used goes first. Only tokens that were accepted are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[str, KnownKey, float]] = OrderedDict()

    def caller_of(self, text: str) -> Caller | None:
        """Whose token it is, if that needs no new look; None asks for verification."""
        with self._lock:
            kept = self._kept.get(text)
            if kept is None:
                return None
            self._kept.move_to_end(text)
        kid, key, ends_at_s = kept
        at = timezone.now()
        if time.time() >= ends_at_s or key.has_ended(at) or KEYS.get(kid) is not key:
            self._forget(text)
            return None
        key.note_use(at)
        return key.caller

    def keep(self, text: str, kid: str, key: KnownKey, ends_at_s: float) -> None:
        with self._lock:
            self._kept[text] = (kid, key, ends_at_s)
            if len(self._kept) > MOST_TOKENS:
                self._kept.popitem(last=False)

    def _forget(self, text: str) -> None:
        with self._lock:
            self._kept.pop(text, None)


TOKENS = VerifiedTokens()
