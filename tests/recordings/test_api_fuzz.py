"""Whatever is sent to the routes of devices and nights: no 500, and every answer as described."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from noctis import manual
from recordings.models import Recording
from tests.factories import PlatformFactory, TenantFactory
from tests.recordings.bodies import JUNK, raw, spoilt
from tests.recordings.gateway import Gateway
from tests.recordings.nights import body, features, night_of

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
DOCUMENT: Json = json.loads(manual.document_text())
ROOTS = ("devices", "recordings", "epochs", "erasures", "subjects", "feature-schemas")
OPERATIONS: dict[str, tuple[str, str, Json]] = {
    operation["operationId"]: (method.upper(), address, operation)
    for address, item in DOCUMENT["paths"].items()
    if address.startswith(tuple(f"/v1/{root}" for root in ROOTS))
    for method, operation in item.items()
}
STATUS = {name: row["value"]["status"] for name, row in DOCUMENT["components"]["examples"].items()}
WORDS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["0", "-1", "2880", "9" * 30, "1e9", "open", "nan", "%00", "2026-11-20"]),
    st.sampled_from(["2026-11-20T22:00:00Z", "0001-01-01T00:00:00+14:00", str(UUID(int=0))]),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Idempotency-Key": st.sampled_from(["", "k", "é", "x" * 300, str(UUID(int=1))]),
        "If-Match": st.sampled_from(["", "*", '"x"', 'W/"1"']),
        "Accept": st.sampled_from(["text/csv", "application/x-ndjson", "image/png", "*/*", ""]),
        "Content-Encoding": st.sampled_from(["gzip", "br", "identity", ""]),
        "X-Request-Id": st.sampled_from(["fine", "not fine", ""]),
    },
)
fuzzed = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def recording() -> Recording:
    PlatformFactory()
    return night_of(TenantFactory(), external_id="box-1")


@pytest.fixture
def gateway(recording: Recording) -> Gateway:
    return Gateway(recording.tenant, role="admin")


def fitting(example: Json, recording: Recording) -> Json:
    """A described example that speaks of rows that are there."""
    told = {
        "device_id": str(recording.device.uuid),
        "recording_id": str(recording.uuid),
        "device_external_id": "box-1",
        "started_at": timezone.now().isoformat(),
    }
    fitted = {name: told.get(name, value) for name, value in example.items()}
    is_batch = {"recording_id", "epochs"} <= fitted.keys()
    return body(recording, features(2, seed=3)) if is_batch else fitted


def filled(address: str, recording: Recording, data: st.DataObject) -> str:
    own = recording.device.uuid if address.startswith("/v1/devices") else recording.uuid
    ids = [str(own)] * 4 + [str(uuid4()), "x", "%00", "..%2F", "é"]
    for name in ("{id}", "{subject}", "{version}"):
        address = address.replace(name, data.draw(st.sampled_from(ids)))
    return address


def drawn_request(operation_id: str, recording: Recording, data: st.DataObject) -> Json:
    method, address, operation = OPERATIONS[operation_id]
    names = [row["name"] for row in operation.get("parameters", []) if row.get("in") == "query"]
    query = data.draw(
        st.dictionaries(st.sampled_from([*names, "typo"]), WORDS, max_size=2)
        if data.draw(st.booleans())
        else st.just({})
    )
    sent = b""
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        good = st.just(fitting(content["example"], recording))
        sent = data.draw(st.one_of(spoilt(good).map(raw), JUNK.map(raw), st.binary(max_size=9)))
    return {
        "method": method,
        "path": filled(address, recording, data),
        "data": sent,
        "content_type": "application/json",
        "query_params": query,
        "headers": data.draw(st.one_of(st.just({}), HEADERS)),
    }


def faults(operation: Json, answer: Any) -> list[str]:
    """Where an answer is not what the document says."""
    media_type = answer["Content-Type"].partition(";")[0] if answer.content_given else ""
    if answer.status_code >= 400:
        code = json.loads(answer.told)["code"]
        wrong = [] if code in operation["x-codes"] else [f"{code} is not described"]
        wrong += [] if STATUS[code] == answer.status_code else [f"{code} as {answer.status_code}"]
        return wrong + ([] if media_type == "application/problem+json" else [media_type])
    described = operation["responses"][str(answer.status_code)].get("content", {})
    if media_type != "application/json":
        return [] if media_type in described or not media_type else [f"{media_type} is unknown"]
    schema = described[media_type]["schema"] | {"components": DOCUMENT["components"]}
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [fault.message for fault in checker.iter_errors(json.loads(answer.told))]


@pytest.mark.parametrize("operation_id", OPERATIONS)
@fuzzed
@given(data=st.data())
def test_no_request_breaks_the_server_and_each_answer_is_as_described(
    gateway: Gateway, recording: Recording, operation_id: str, data: st.DataObject
) -> None:
    request = drawn_request(operation_id, recording, data)
    token = {"Authorization": f"Bearer {gateway.signatory.token()}"}
    request["headers"] |= token

    answer = Client(raise_request_exception=False).generic(
        request.pop("method"), request.pop("path"), **request
    )

    answer.told = answer.getvalue()
    answer.content_given = bool(answer.told)
    assert answer.status_code < 500, answer.told
    assert faults(OPERATIONS[operation_id][2], answer) == []
