"""Calls of the API as somebody: JSON in, the answer out, a bug as the 500 that it is."""

import json
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.test import Client

from tenants.models import Tenant
from tests.factories import signatory
from tests.tokens import Signatory


@dataclass(frozen=True)
class Calling:
    who: Signatory
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
        """Header names are spelt with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {self.who.token()}"
        raw = "" if body is None else json.dumps(body)
        return self.client.generic(method, path, raw, "application/json", headers=named)


def calling_as(role: str, tenant: Tenant, **key: object) -> Calling:
    return Calling(signatory(client__tenant=tenant, client__role=role, **key))


def codes(answer: HttpResponse) -> set[tuple[str, str]]:
    """Which problem is where."""
    return {(found["pointer"], found["code"]) for found in answer.json()["errors"]}
