"""Device-years of simulated nights in the platform's own tables, and what is asked of them.

A few hundred nights of the simulator are dealt out in turn, so values compress as theirs do."""

import statistics
import time
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from devices.models import Device
from mlops.simulator.nights import simulate
from noctis.db.maintenance import maintenance
from operations import queries, summaries
from operations.policies import EPOCHS
from operations.queries import DeviceDay
from operations.services import summarising
from recordings.models import FeatureSchema, Recording
from tenants.models import Tenant

YEAR = 365
PATTERNS = 200
NIGHTS_AT_ONCE = 365
BATCH = 256
START = datetime(2024, 1, 1, 22, tzinfo=UTC)
COLUMNS = """tenant_id, recording_id, epoch_start_ts, received_at, device_id, epoch_index,
schema_id, features"""
FILL = f"""
INSERT INTO {{table}} ({COLUMNS})
SELECT night.tenant_id, night.id, night.started_at + i * interval '30 seconds',
       night.started_at + (i + 1) * interval '30 seconds', night.device_id, i, %(schema)s,
       pattern.features
FROM recordings_recording night
JOIN bench_pattern pattern ON pattern.night = night.id %% {PATTERNS}
WHERE night.id = ANY(%(nights)s)
"""
ADD = f"""
INSERT INTO {{table}} ({COLUMNS})
SELECT %(tenant)s, %(night)s, %(start)s + pattern.i * interval '30 seconds', now(), %(device)s,
       pattern.i, %(schema)s, pattern.features
FROM bench_pattern pattern WHERE pattern.night = %(pattern)s AND pattern.i < {BATCH}
ON CONFLICT DO NOTHING
"""
# The summary's own selection over a device's rows, put together by day as its reader does it.
RAW = """
SELECT day, count(*), sum(epochs), sum(expected), sum(gaps),
       sum(heart_rate_sum) / nullif(sum(heart_rate_known), 0),
       sum(respiration_sum) / nullif(sum(respiration_known), 0),
       sum(movement_sum) / nullif(sum(movement_known), 0)
FROM ({selection}) summed WHERE day >= %(start)s AND day < %(end)s GROUP BY day ORDER BY day
"""
# Told which nights and when, so that the key is of use: what a careful reader would ask.
OF_NIGHTS = """tenant_id = %(tenant)s AND recording_id = ANY(%(nights)s)
AND epoch_start_ts >= %(first)s AND epoch_start_ts < %(last)s"""
ASKED = 10


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def run(statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def keep_patterns() -> int:
    """Answers how many epochs there are, of all nights together."""
    run("CREATE UNLOGGED TABLE bench_pattern (night int, i int, features real[])")
    with connection.cursor() as cursor, cursor.copy("COPY bench_pattern FROM STDIN") as copy:
        for number, night in enumerate(simulate(range(PATTERNS))):
            for i, features in enumerate(night.features.tolist()):
                copy.write_row((number, i, features))
    run("CREATE INDEX ON bench_pattern (night, i)")
    run("ANALYZE bench_pattern")
    return run("SELECT count(*) FROM bench_pattern")[0][0]


def schema_id() -> int:
    return int(FeatureSchema.objects.get(version="noctis_v1").pk)


def devices(tenant: Tenant, count: int) -> list[Device]:
    rows = [Device(tenant=tenant, name=f"bench {number}") for number in range(count)]
    return list(Device.objects.bulk_create(rows))


def nights(beds: list[Device]) -> list[Recording]:
    """A year of each device, in the order of the calendar, a minute between the beds."""
    rows = [
        _night(device, START + timedelta(days=day, minutes=place))
        for day in range(YEAR)
        for place, device in enumerate(beds)
    ]
    return list(Recording.objects.bulk_create(rows, batch_size=2_000))


def _night(device: Device, started_at: datetime) -> Recording:
    return Recording(
        tenant_id=device.tenant_id,
        device=device,
        started_at=started_at,
        ended_at=started_at + timedelta(hours=8),
        night_on=started_at.date(),
        status=Recording.Status.STAGED,
        last_heard_at=started_at,
    )


def fill(table: str, rows: list[Recording]) -> None:
    pks, schema = [row.pk for row in rows], schema_id()
    for first in range(0, len(pks), NIGHTS_AT_ONCE):
        values = {"nights": pks[first : first + NIGHTS_AT_ONCE], "schema": schema}
        run(FILL.format(table=table), values)


def sum_up(tenant: Tenant) -> None:
    """As beat does it."""
    some = {"tenant_id": tenant.pk, "summary": EPOCHS.summary, "since": START - timedelta(days=9)}
    while summarising.summarise_some(**some):
        pass


def by_summary(beds: list[Device]) -> list[DeviceDay]:
    first = START.date()
    end = first + timedelta(days=YEAR + 2)
    return [day for device in beds for day in queries.days_of_device(device, first, end)]


def by_rows(beds: list[Device]) -> list[DeviceDay]:
    return [day for device in beds for day in _days(device)]


def _days(device: Device) -> list[DeviceDay]:
    statement = RAW.format(selection=summaries.selection(EPOCHS.summary, OF_NIGHTS))
    own = Recording.objects.filter(tenant=device.tenant_id, device=device)
    values = {
        "tenant": device.tenant_id,
        "nights": list(own.values_list("pk", flat=True)),
        "first": START,
        "last": START + timedelta(days=YEAR + 2),
        "start": START.date(),
        "end": START.date() + timedelta(days=YEAR + 2),
    }
    return [DeviceDay(row[0], *map(int, row[1:5]), *row[5:]) for row in run(statement, values)]


def answered(
    ask: Callable[[list[Device]], list[DeviceDay]], beds: list[Device]
) -> tuple[list[DeviceDay], float]:
    """The answer, and the milliseconds that it took."""
    started = time.perf_counter()
    answer = ask(beds)
    return answer, (time.perf_counter() - started) * 1e3


def is_same(one: list[DeviceDay], other: list[DeviceDay]) -> bool:
    """Counts to the last, means but for the order in which a server adds."""
    if len(one) != len(other) or not one:
        return False
    pairs = zip(map(astuple, one), map(astuple, other), strict=True)
    return all(
        a[:5] == b[:5]
        and np.allclose([x or 0 for x in a[5:]], [x or 0 for x in b[5:]], rtol=1e-9, atol=0)
        for a, b in pairs
    )


def add(table: str, device: Device, night: int, start: datetime) -> float:
    """A batch comes in, a transaction of its own."""
    values = {
        "tenant": device.tenant_id,
        "night": night,
        "device": device.pk,
        "start": start,
        "schema": schema_id(),
        "pattern": night % PATTERNS,
    }
    return timed(lambda: run(ADD.format(table=table), values))


def empty(tenant: Tenant) -> None:
    with transaction.atomic(), maintenance():
        run("TRUNCATE recordings_epoch, device_daily_summary, operations_summarymark")
        Recording.objects.filter(tenant=tenant).delete()
        Device.objects.filter(tenant=tenant).delete()


def median(values: list[float]) -> float:
    return statistics.median(values)
