"""`Idempotency-Key`: the same POST twice has one effect and one answer.

The answer is kept in the transaction of the effect, so neither can be there without the other."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from noctis import errors, http, keyring
from noctis.db import transactions
from noctis.models import KeptAnswer

KEPT_FOR = timedelta(hours=24)
KEY = re.compile(r"[\x21-\x7e]{1,255}")
HEADER = "Idempotency-Key"
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
# What another attempt may answer otherwise: a new token, a slower client, a limit that recovers.
NEVER_KEPT = frozenset({401, 408, 429})
MOST_FORGOTTEN = 1_000

# In SQL, for a device may send a key with each batch: the ORM takes a millisecond for these two.
FIND = """
SELECT fingerprint, answer FROM noctis_keptanswer
WHERE tenant = %s AND client = %s AND route = %s AND key = %s AND expires_at > %s
"""
# An expired answer is overwritten.
KEEP = """
INSERT INTO noctis_keptanswer (tenant, client, route, key, fingerprint, answer, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT ON CONSTRAINT kept_answer_once DO UPDATE
SET fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
"""
REPLACE = """
UPDATE noctis_keptanswer SET answer = %s
WHERE tenant = %s AND client = %s AND route = %s AND key = %s AND fingerprint = %s
"""


class KeyReused(errors.Invalid):
    row = errors.registered(
        "idempotency_key_reused",
        422,
        "The key belongs to another request",
        "This `Idempotency-Key` was sent within 24 hours with another body, path or query.",
        "Use a new key for each new request, and the same key only to repeat one.",
    )


class InFlight(errors.Conflict):
    row = errors.registered(
        "idempotency_in_flight",
        409,
        "The first request is under way",
        "A request with this `Idempotency-Key` has not been answered yet.",
        "Repeat after `Retry-After` with the same key and body.",
        is_retryable=True,
    )


@dataclass(frozen=True)
class Sender:
    """Whose keys these are: two clients may use the same one."""

    tenant: int
    client: str


@dataclass(frozen=True)
class Claim:
    """One key on one route, and what was sent with it."""

    sender: Sender
    route: str
    key: str
    fingerprint: bytes

    @property
    def columns(self) -> tuple[int, str, str, str]:
        return self.sender.tenant, self.sender.client, self.route, self.key

    @property
    def lock(self) -> int:
        """As an advisory lock; two keys that share one delay each other and do no harm."""
        named = msgspec.json.encode([HEADER, *self.columns])
        return int.from_bytes(hashlib.sha256(named).digest()[:8], signed=True)


class Answer(msgspec.Struct, frozen=True):
    """Status, headers and bytes, as they were sent the first time."""

    status: int
    headers: dict[str, str]
    body: bytes


def is_kept(status: int) -> bool:
    return status < 500 and status not in NEVER_KEPT


def claim_of(request: Request, sender: Sender | None) -> Claim | None:
    """The request's claim; None without a key, and where nobody can say whose key it would be."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or sender is None or request.method != "POST":
        return None
    if not KEY.fullmatch(key):
        detail = "1 to 255 visible ASCII characters"
        raise errors.Invalid(problems=[errors.Problem(HEADER, "invalid", detail)])
    match = request._request.resolver_match
    return Claim(sender, match.route if match else request.path, key, _fingerprint(request))


def _fingerprint(request: Request) -> bytes:
    told = [request.method, request.path, request.META.get("QUERY_STRING", "")]
    digest = hashlib.sha256(msgspec.json.encode(told))
    digest.update(http.read_body(request))
    return digest.digest()


def answer_once(claim: Claim, work: Callable[[], HttpResponse]) -> HttpResponse:
    """The work's answer, or the one it gave before. The work runs in this transaction; what it
    refuses it has undone itself."""
    return transactions.run(lambda: _answer(claim, work), is_idempotent=True)


def _answer(claim: Claim, work: Callable[[], HttpResponse]) -> HttpResponse:
    now = timezone.now()
    with connection.cursor() as cursor:
        # A statement of its own: the next one must see what the lock's last holder committed.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [claim.lock])
        if cursor.fetchone() != (True,):
            raise InFlight(retry_after_s=1)
        cursor.execute(FIND, [*claim.columns, now])
        kept = cursor.fetchone()
    if kept is None:
        response = work()
        if is_kept(response.status_code):
            _keep(claim, response, now)
        return response
    fingerprint, sealed = kept
    if bytes(fingerprint) != claim.fingerprint:
        raise KeyReused
    return _replay(sealed)


def _keep(claim: Claim, response: HttpResponse, now: datetime) -> None:
    expires = now + KEPT_FOR
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [*claim.columns, claim.fingerprint, _sealed(response), expires])


def keep_instead(claim: Claim, response: HttpResponse) -> None:
    """Keep what was known once the effect was committed. Whoever repeats before hears less."""
    with connection.cursor() as cursor:
        cursor.execute(REPLACE, [_sealed(response), *claim.columns, claim.fingerprint])


def _sealed(response: HttpResponse) -> str:
    headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    answer = Answer(response.status_code, headers, response.content)
    return keyring.encrypt(msgspec.msgpack.encode(answer))


def _replay(sealed: str) -> HttpResponse:
    answer = msgspec.msgpack.decode(keyring.decrypt(sealed), type=Answer)
    headers = answer.headers | {"Idempotency-Replayed": "true"}
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def forget_expired(*, at: datetime) -> int:
    """Delete the oldest expired answers, a bounded number of them; say how many they were."""
    oldest = KeptAnswer.objects.expired(at).order_by("expires_at").values("pk")[:MOST_FORGOTTEN]
    forgotten, _ = KeptAnswer.objects.filter(pk__in=oldest).delete()
    return int(forgotten)
