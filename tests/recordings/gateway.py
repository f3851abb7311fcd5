"""A tenant's gateway for tests: posts bodies of ingest with a good token."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from devices.models import Device
from noctis import manual
from recordings.models import Epoch, Recording
from tenants.models import Tenant
from tests.factories import ServiceClientFactory, signatory
from tests.tokens import Signatory

# Planted in what is sent, looked for in what is answered.
CANARY = "canary-5e1f"
CANARY_NUMBER = 3_141_592_653


DOCUMENT = json.loads(manual.document_text())


@dataclass
class Gateway:
    """Expects of every refusal that the document describes it."""

    tenant: Tenant
    role: str = "ingest"
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    signatory: Signatory = field(init=False)

    def __post_init__(self) -> None:
        self.signatory = self.another()

    def another(self, **key: object) -> Signatory:
        """One more client of the same tenant; `device_uuid` binds its key."""
        client = ServiceClientFactory(tenant=self.tenant, role=self.role)
        return signatory(client=client, **key)

    def ingest(self, body: Any, **more: Any) -> Any:
        return self.post("/v1/epochs:ingest", body, **more)

    def ingest_device(self, body: Any, **more: Any) -> Any:
        return self.post("/v1/epochs:ingest-device", body, **more)

    def post(
        self,
        path: str,
        body: Any,
        *,
        who: Signatory | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        authorization = f"Bearer {(who or self.signatory).token()}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.post(
            path,
            raw,
            content_type=content_type,
            headers={"Authorization": authorization} | headers,
        )
        described = DOCUMENT["paths"][path]["post"]["x-codes"]
        assert answer.status_code < 400 or answer.json()["code"] in described
        return answer


def problems(answer: Any) -> list[tuple[str, str]]:
    """The pointers and codes that a refusal names."""
    return [(problem["pointer"], problem["code"]) for problem in answer.json()["errors"]]


def check_nothing_happened(answer: Any, recording: Recording) -> None:
    """Nothing written, nothing told of what was sent, and the shape of every error."""
    before = (recording.epoch_count, recording.last_heard_at, recording.updated_at)
    recording.refresh_from_db()
    assert (recording.epoch_count, recording.last_heard_at, recording.updated_at) == before
    assert not Epoch.objects.exists()
    assert (Recording.objects.count(), Device.objects.count()) == (1, 1)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert answer.json()["request_id"] == answer["X-Request-Id"]
    assert CANARY not in answer.content.decode()
    assert str(CANARY_NUMBER) not in answer.content.decode()
