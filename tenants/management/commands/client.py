"""`manage.py client`: service clients, their keys, and tokens for scripts."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from noctis import errors
from noctis.commands import Row, VerbCommand
from tenants.lookups import client_called, shell_actor, tenant_called
from tenants.models import ServiceClient, ServiceClientKey
from tenants.roles import Role
from tenants.services import clients, minting
from tenants.services.clients import IssuedKey, KeyRequest


class Command(VerbCommand):
    help = "Service clients, their keys, and tokens for scripts."
    verbs = {
        "create": "register a client; prints its key's id and secret, once",
        "list": "show a tenant's clients and their keys",
        "disable": "shut a client out",
        "rotate": "issue a new key; the old ones are accepted until the overlap is over",
        "token": "mint a token for scripts",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="the tenant's slug")
        if verb == "list":
            return
        parser.add_argument("name", help="the client's name")
        if verb == "create":
            parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        if verb in ("create", "rotate"):
            algorithms = ServiceClientKey.Algorithm.values
            parser.add_argument("--algorithm", default="HS256", choices=algorithms)
            parser.add_argument("--public-key", type=Path, help="PEM file; for all but HS256")
        if verb in ("disable", "rotate"):
            parser.add_argument("--reason", default="")
        if verb == "rotate":
            parser.add_argument("--overlap", default="7d", type=_duration, help="such as 7d or 12h")
        if verb == "token":
            parser.add_argument("--ttl", default="1h", type=_duration, help="such as 15m or 1h")

    def create(self, options: Mapping[str, Any]) -> Row:
        client, issued = clients.create_client(
            tenant=tenant_called(options["tenant"]),
            name=options["name"],
            role=options["role"],
            actor=shell_actor(),
            request=_key_request(options),
        )
        return {"client": client.name, "id": str(client.uuid), **_issued(issued)}

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        owned = ServiceClient.objects.all().owned_by(tenant_called(options["tenant"]))
        return [
            {
                "client": client.name,
                "id": str(client.uuid),
                "role": client.role,
                "enabled": "yes" if client.is_enabled else "no",
                "keys": ", ".join(f"{key.kid} {key.state}" for key in client.keys.all()),
            }
            for client in owned.prefetch_related("keys")
        ]

    def disable(self, options: Mapping[str, Any]) -> Row:
        client = clients.set_enabled(
            client=_client(options),
            is_enabled=False,
            actor=shell_actor(),
            reason=options["reason"],
        )
        return {"client": client.name, "enabled": "no"}

    def rotate(self, options: Mapping[str, Any]) -> Row:
        issued = clients.rotate_key(
            client=_client(options),
            overlap=options["overlap"],
            actor=shell_actor(),
            request=_key_request(options),
            reason=options["reason"],
        )
        return {"client": options["name"], **_issued(issued)}

    def token(self, options: Mapping[str, Any]) -> Row:
        seconds = int(options["ttl"].total_seconds())
        return {"token": minting.mint_token(client=_client(options), ttl_s=seconds)}

    def show(self, answer: Row | Sequence[Row]) -> None:
        """A token stands alone, so that a shell can take it."""
        if isinstance(answer, Mapping) and list(answer) == ["token"]:
            self.stdout.write(str(answer["token"]))
        else:
            super().show(answer)


def _client(options: Mapping[str, Any]) -> ServiceClient:
    return client_called(options["tenant"], options["name"])


def _duration(text: str) -> timedelta:
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    try:
        if not text[:-1].isdecimal():
            raise ValueError("no number")
        return timedelta(**{units[text[-1:]]: int(text[:-1])})
    except (KeyError, ValueError, OverflowError):
        raise ArgumentTypeError("expected a number and s, m, h or d, such as 7d") from None


def _key_request(options: Mapping[str, Any]) -> KeyRequest:
    path: Path | None = options["public_key"]
    try:
        pem = path.read_text() if path else None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"cannot read {path}: {error}") from None
    return KeyRequest(options["algorithm"], pem)


def _issued(issued: IssuedKey) -> Row:
    row = {"kid": issued.key.kid, "algorithm": issued.key.algorithm}
    return row | ({"secret": issued.secret} if issued.secret else {})
