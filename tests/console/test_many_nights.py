"""Lists and overview over very many nights: no query reads all of them, or counts them.

NIGHTS=1000000 makes it the long form: it prints how long each page takes, and holds it to that."""

import json
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext

from devices.models import Device
from inference.models import Hypnogram
from recordings.models import Recording
from tests.console.planted import Planted
from tests.factories import PlatformFactory
from tests.tenants.households import as_

pytestmark = pytest.mark.django_db
NIGHTS = int(os.environ.get("NIGHTS", "20000"))
IS_LONG = NIGHTS >= 1_000_000
LONGEST_MS = 300
LARGE = {"recordings_recording", "inference_hypnogram"}
# Two tenants' nights of a hundred epochs each, two hundred a device: counters without epochs.
BEDS = """
INSERT INTO devices_device (uuid, tenant_id, name, model, firmware_version, status, created_at,
    updated_at)
SELECT gen_random_uuid(), one.tenant_id, 'bed ' || n, '', '', 'active', now(), now()
FROM devices_device one, generate_series(1, %s) n WHERE one.id = ANY(%s)
"""
FILL = """
INSERT INTO recordings_recording (uuid, tenant_id, device_id, started_at, ended_at, timezone,
    night_on, subject, status, epoch_count, last_index, last_heard_at, is_kept, created_at,
    updated_at)
SELECT gen_random_uuid(), bed.tenant_id, bed.id, at, at + interval '50 minutes', 'UTC',
    at::date, 'P-' || mod(n, 1000), 'staged', 100, 99, at + interval '1 hour', false, at, at
FROM devices_device bed, generate_series(1, 200) n,
    LATERAL (SELECT now() - n * interval '1 day' - bed.id * interval '1 second' AS at) clock
WHERE bed.name LIKE 'bed %%'
"""
STAGE = """
INSERT INTO inference_hypnogram (tenant_id, recording_id, model_id, revision, disposition,
    first_index, stages, confidences, statistics, coverage, mean_confidence, input_hash,
    epoch_count, staged_at)
SELECT night.tenant_id, night.id, one.model_id, 0, 'staged', 0, '{}', '{}', one.statistics, 1, 0.8,
    one.input_hash, 100, night.updated_at
FROM recordings_recording night, inference_hypnogram one
WHERE one.id = %s AND NOT EXISTS (
    SELECT FROM inference_hypnogram known WHERE known.recording_id = night.id)
"""
# Of fifty nights each; the lists go no further than ten thousand.
LAST_PAGE = 100 if IS_LONG else 10
NIGHTS_LIST = "/console/recordings/recording/"
ASKED = [
    "/console/",
    NIGHTS_LIST,
    f"{NIGHTS_LIST}?p={{page}}",
    f"{NIGHTS_LIST}?tenant=heron-tenant-slug",
    f"{NIGHTS_LIST}?status=staged",
    f"{NIGHTS_LIST}?status=open",
    f"{NIGHTS_LIST}?status=closed",
    f"{NIGHTS_LIST}?q={{uuid}}",
    "/console/inference/hypnogram/",
    "/console/inference/hypnogram/?p={page}",
    "/console/inference/hypnogram/?q={uuid}",
    "/console/devices/device/",
    "/console/devices/device/{device}/change/",
    "/console/tenants/tenant/",
    "/console/tenants/tenant/{tenant}/change/",
]


@pytest.fixture
def many(heron: Planted, magpie: Planted) -> Planted:
    with connection.cursor() as cursor:
        beds = [planted.rows[Device].pk for planted in (heron, magpie)]
        cursor.execute(BEDS, [NIGHTS // 400, beds])
        cursor.execute(FILL, [])
        cursor.execute(STAGE, [heron.rows[Hypnogram].pk])
        cursor.execute("ANALYZE devices_device, recordings_recording, inference_hypnogram")
    return heron


def test_no_page_reads_or_counts_every_night(many: Planted) -> None:
    """Both roles over the same rows: those of a test before would still lie in the table, dead."""
    named = {type(row).__name__.lower(): row.pk for row in many.rows.values()}
    urls = [ask.format(uuid=many.rows[Recording].uuid, page=LAST_PAGE, **named) for ask in ASKED]
    faults, slow = [], []

    for role, tenant in (("platform_admin", PlatformFactory()), ("tenant_admin", many.tenant)):
        browser = as_(role, tenant)
        for url in urls:
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(url).status_code == 200, url
            for sql in (query["sql"] for query in captured.captured_queries):
                faults += [f"{role} {url}: {fault} in {sql[:400]}" for fault in _faults(sql)]
        slow += _slow(role, browser, urls) if IS_LONG else []

    assert not faults, "\n".join(faults)
    assert slow == []


def _slow(role: str, browser: Client, urls: list[str]) -> list[str]:
    epochs = Recording.objects.aggregate(sum=Sum("epoch_count"))["sum"]
    print(f"\n{role}: {NIGHTS} nights, {epochs / 1e6:.0f} million epochs counted")  # noqa: T201 - figures
    took = {url: _took_ms(browser, url) for url in urls}
    for url, ms in took.items():
        print(f"  {ms:6.0f} ms  {url}")  # noqa: T201 - figures
    return [f"{role} {url}: {ms:.0f} ms" for url, ms in took.items() if ms > LONGEST_MS]


def _faults(sql: str) -> Iterator[str]:
    if not sql.startswith("SELECT") or not any(table in sql for table in LARGE):
        return
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (plan,) = cursor.fetchone()
    yield from _reads_all((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"], False)


def _reads_all(node: dict[str, Any], is_limited: bool) -> Iterator[str]:
    """Whether a part of the plan goes through a large table, and nothing above stops it early."""
    is_limited = is_limited or node["Node Type"] == "Limit"
    if node.get("Relation Name") in LARGE:
        rows, is_dense = node["Plan Rows"], node["Plan Rows"] > NIGHTS / 10
        # Where most rows fit, reading the first ten thousand of them ends soon, in any order.
        ends_soon = is_limited and is_dense
        if not ends_soon and ("Seq Scan" in node["Node Type"] or is_dense):
            yield f"{node['Node Type']} of {rows} rows of {node['Relation Name']}"
    # A sort has to read everything first, whatever stops behind it.
    is_limited = is_limited and "Sort" not in node["Node Type"]
    for below in node.get("Plans", []):
        yield from _reads_all(below, is_limited)


def _took_ms(browser: Client, url: str) -> float:
    took = []
    for _ in range(5):
        started = time.perf_counter()
        browser.get(url)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def test_a_plan_that_reads_all_is_noticed(many: Planted) -> None:
    """The control."""
    table = "recordings_recording"

    assert list(_faults(f"SELECT count(*) FROM {table}"))
    assert list(_faults(f"SELECT * FROM {table} ORDER BY subject LIMIT 50"))
    assert not list(_faults(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 50"))
