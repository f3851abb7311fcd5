"""The tools of a forger: whom she meets, and the ways in which she bends a token."""

import base64
import json
from collections.abc import Callable
from functools import cached_property
from itertools import count
from uuid import uuid4

from tenants.models import ServiceClientKey
from tenants.services import operators
from tests.factories import PASSWORD, MembershipFactory, OperatorFactory, signatory
from tests.tokens import Signatory, b64, es256_der, hs, segment

P256_ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"


class World:
    """Whom a forger meets; made when an attack first asks."""

    @cached_property
    def me(self) -> Signatory:
        return signatory()

    @cached_property
    def stranger(self) -> Signatory:
        return signatory()

    @cached_property
    def colleague(self) -> Signatory:
        """Another client of my tenant."""
        mine = ServiceClientKey.objects.get(kid=self.me.kid)
        return signatory(client__tenant=mine.tenant, client__role="admin")

    @cached_property
    def pair(self) -> operators.Pair:
        """An operator's tokens."""
        membership = MembershipFactory(operator=OperatorFactory(password=PASSWORD))
        return operators.sign_in(
            username=membership.operator.username,
            password=PASSWORD,
            otp="",
            tenant_slug=membership.tenant.slug,
        )

    def owner_of(self, algorithm: str) -> Signatory:
        return signatory(algorithm=algorithm)


Attack = Callable[[World], str]


def unsigned(who: Signatory, algorithm: object, signature: str = "") -> str:
    return f"{segment(who.header(alg=algorithm))}.{segment(who.claims())}.{signature}"


def confused(who: Signatory, algorithm: str, key: str) -> str:
    """Sign by HMAC with a key that everybody knows."""
    message = f"{segment(who.header(alg=algorithm))}.{segment(who.claims())}"
    return f"{message}.{b64(hs(algorithm, key, message.encode()))}"


def resigned(who: Signatory, forger: Signatory) -> str:
    """Claims and kid of one client, signed by another's key."""
    return forger.sealed(who.header(), who.claims())


def spelt(who: Signatory, name: str, text: str) -> str:
    """Properly signed, one claim being this piece of JSON."""
    claims = json.dumps(who.claims(**{name: "@"})).replace('"@"', text)
    return who.sealed(who.header(), claims.encode())


def headed_by(who: Signatory, raw: bytes) -> str:
    return who.sealed(raw, who.claims())


def claimed(who: Signatory, raw: bytes) -> str:
    return who.sealed(who.header(), raw)


def loosened(text: str) -> str:
    """The same bytes with a bit set that base64 leaves unused."""
    assert len(text) % 4
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def padded(members: object) -> bytes:
    """JSON whose base64 does not come out even."""
    raw = json.dumps(members).encode()
    return raw + b" " * (1 if len(raw) % 3 == 0 else 0)


def standard(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


def standard_signature(who: Signatory) -> str:
    tokens = (who.token(jti=str(n)).rpartition(".") for n in count())
    head, _, signature = next(parts for parts in tokens if set("-_") & set(parts[2]))
    return f"{head}.{standard(signature)}"


def loosely_signed(token: str) -> str:
    return with_signature(token, loosened(parts(token)[2]))


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def parts(token: str) -> list[str]:
    return token.split(".")


def with_signature(token: str, signature: str) -> str:
    return ".".join([*parts(token)[:2], signature])


def der(who: Signatory) -> str:
    message = ".".join(parts(who.token())[:2])
    return f"{message}.{b64(es256_der(message.encode()))}"


def filled(raw: bytes) -> str:
    text = base64.urlsafe_b64encode(raw).decode()
    assert text.endswith("=")
    return text


def operators_own(w: World, **changes: object) -> str:
    """An operator's claims as they would be, signed with the only secret that a client has."""
    access = {"aud": "noctis-operators", "token_type": "access", "jti": uuid4().hex, "sub": "1"}
    return w.me.sealed({"alg": "HS256", "typ": "JWT"}, w.me.claims(**(access | changes)))


def unsigned_access(w: World, signature: str) -> str:
    header = segment({"alg": "none", "typ": "JWT"})
    return f"{header}.{parts(w.pair.access)[1]}.{signature}"


def access_by(w: World, algorithm: str) -> str:
    message = f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{parts(w.pair.access)[1]}"
    return f"{message}.{b64(hs(algorithm, '', message.encode()))}"
