"""Both forms of the daily summaries over the same nights, and what each tells when rows go."""

import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from bench import aggregate_nights as rows
from bench.tenant import ACTOR
from inference.services import shipped
from inference.services.model_events import Decision as Shipping
from noctis.db.maintenance import maintenance
from operations import summaries
from operations.policies import EPOCHS, SUMMARIES
from operations.services import policies, retention, summarising
from operations.services.policies import Decision
from recordings.models import Recording
from tenants.models import Tenant
from tenants.services import tenants

DAY = timedelta(days=1)
# A view's name: the table's, with an ending.
VIEW = """
CREATE MATERIALIZED VIEW {name}_aggregate
WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS {select} WITH NO DATA
"""
POLICY = """
SELECT add_continuous_aggregate_policy('device_daily_summary_aggregate',
    start_offset => interval '90 days', end_offset => interval '1 hour',
    schedule_interval => interval '5 minutes')
"""
JOB = """
SELECT total_runs, total_successes, total_failures, last_run_duration
FROM timescaledb_information.job_stats WHERE job_id = %s
"""
RAW_DAYS = """
SELECT date_bin('1 day', epoch_start_ts + interval '30 seconds', '2000-01-01 00:00+00') AS day,
       count(*), sum(nullif(features[1], 'NaN'::real)::double precision)
FROM recordings_epoch WHERE tenant_id = %s {whose} GROUP BY 1 ORDER BY 1
"""
SUMMED_DAYS = """
SELECT day, sum(epochs), sum(epochs) FROM device_daily_summary
WHERE tenant_id = %s {whose} GROUP BY 1 ORDER BY 1
"""

BATCH = """
INSERT INTO {table} (tenant_id, recording_id, epoch_start_ts, received_at, device_id, epoch_index,
                     schema_id, features)
SELECT 0, %s, %s::timestamptz + id * interval '30 seconds', now(), 0, id, 1, features
FROM bench_pattern WHERE id < 256 ON CONFLICT DO NOTHING
"""


class Stage:
    """A platform with nights: one day of each fleet, in one week that has not been compressed."""

    def __init__(self, fleets: Sequence[int]) -> None:
        shipped.ensure_models(decision=Shipping(ACTOR, "for a benchmark"))
        rows.prepare()
        self.tenant: Tenant = tenants.create_tenant(slug="bench", name="Bench", actor=ACTOR)
        # Noon of a Thursday, so that the fleets' days are in one chunk.
        noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
        self.noon = noon - DAY * (14 + (noon.weekday() - 3) % 7)
        devices = rows.devices(self.tenant, max(fleets))
        self.fleets = {
            fleet: rows.nights(devices[:fleet], self.noon + place * DAY)
            for place, fleet in enumerate(fleets)
        }
        self.sent = rows.NIGHT
        self.night_count = sum(fleets)
        execute("ANALYZE")
        for name in SUMMARIES:
            execute(VIEW.format(name=name, select=aggregated(name)))

    @property
    def server(self) -> str:
        ((postgres, extension),) = execute(
            "SELECT current_setting('server_version'), extversion"
            " FROM pg_extension WHERE extname = 'timescaledb'"
        )
        return f"PostgreSQL {postgres}, TimescaleDB {extension}"

    def refresh_all(self) -> None:
        for name in SUMMARIES:
            execute("CALL refresh_continuous_aggregate(%s, NULL, NULL)", f"{name}_aggregate")

    def refresh_day(self, night: Recording) -> None:
        """As a policy would of what came late: it knows days, and no nights."""
        midnight = night.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
        for name in SUMMARIES:
            execute(
                "CALL refresh_continuous_aggregate(%s, %s::timestamptz, %s::timestamptz)",
                f"{name}_aggregate",
                midnight - DAY,
                midnight + 2 * DAY,
            )

    def summarise(self) -> None:
        summarising.summarise(at=timezone.now(), back=summarising.EVER)

    def late(self, night: Recording) -> None:
        self.sent += 10
        rows.add([night], self.sent, 10)

    def compress(self) -> None:
        policies.apply(plan_hash=policies.plan().hash, decision=Decision(ACTOR))
        execute("SELECT compress_chunk(c, true) FROM show_chunks('recordings_epoch') c")

    def is_same(self) -> bool:
        """The rows of both forms, by night; sums of floats differ in their last bits."""
        told = [
            execute(
                f"SELECT recording_id, sum(epochs), sum(gaps), sum(heart_rate_known),"
                f" round(sum(heart_rate_sum)::numeric, 3) FROM {name} GROUP BY 1 ORDER BY 1"
            )
            for name in ("device_daily_summary", "device_daily_summary_aggregate")
        ]
        return told[0] == told[1] and len(told[0]) == self.night_count

    def job(self) -> dict[str, Any]:
        """Wait until the server ran its refresh by its own schedule, or say that it does not."""
        ((job,),) = execute(POLICY)
        execute("SELECT _timescaledb_functions.start_background_workers()")
        for _ in range(60):
            found = execute(JOB, job)
            if found and found[0][1]:
                names = ("runs", "successes", "failures", "duration")
                return dict(zip(names, found[0], strict=True))
            time.sleep(1)
        return {"runs": 0, "why": "no background worker ran it within a minute"}

    def inserting(self, rounds: int) -> dict[str, float]:
        """256 epochs of a new night into each kind of table, in turn; its days are compressed."""
        execute("CREATE TABLE bench_plain (LIKE recordings_epoch INCLUDING ALL)")
        now = timezone.now()
        kinds = {
            "plain table": ("bench_plain", now),
            "young chunk": ("recordings_epoch", now),
            "compressed chunk": ("recordings_epoch", self.noon),
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for turn in range(rounds):
            for kind, (table, at) in kinds.items():
                statement = BATCH.format(table=table)
                times[kind].append(
                    _ms(lambda s=statement, t=turn, at=at: execute(s, 10**6 + t, at))
                )
        return {kind: statistics.median(values) for kind, values in times.items()}

    def told(self, name: str, some: Sequence[Recording]) -> int:
        """How many epochs a form still tells of these nights."""
        ((count,),) = execute(
            f"SELECT coalesce(sum(epochs), 0) FROM {name} WHERE recording_id = ANY(%s)",
            [night.pk for night in some],
        )
        return int(count)

    def both(self, some: Sequence[Recording]) -> dict[str, int]:
        names = {"table": "device_daily_summary", "aggregate": "device_daily_summary_aggregate"}
        return {form: self.told(name, some) for form, name in names.items()}

    def probes(self) -> Iterator[tuple[str, Any]]:
        yield "a tenant that keeps less", self._briefly_kept()
        yield "an erased night", self._erased()
        yield "a late epoch where a chunk was dropped", self._late_after_drop()

    def _briefly_kept(self) -> dict[str, Any]:
        """Ten days are kept; the refresh policy looks back over the platform's ninety."""
        brief = tenants.create_tenant(slug="brief", name="Brief", actor=ACTOR)
        Tenant.objects.filter(pk=brief.pk).update(retention_days=10)
        own = rows.nights(rows.devices(brief, 5), self.noon)
        self.refresh_day(own[0])
        self.summarise()
        before = self.both(own)
        retention.let_go(series=EPOCHS, at=timezone.now(), actor=ACTOR)
        self.refresh_day(own[0])
        self.summarise()
        return {"before": before, "after retention and a refresh": self.both(own)}

    def _erased(self) -> dict[str, Any]:
        """What the erasure's own transaction leaves of a night."""
        night = self.fleets[max(self.fleets)][-1]
        before = self.both([night])
        with maintenance():
            execute(
                "DELETE FROM recordings_epoch WHERE tenant_id = %s AND recording_id = %s",
                night.tenant_id,
                night.pk,
            )
        summarising.forget_night(recording=night)
        return {
            "before": before,
            "after the erasure": self.both([night]),
            "refresh of its day: ms": _ms(lambda: self.refresh_day(night)),
            "after that": self.both([night]),
        }

    def _late_after_drop(self) -> dict[str, Any]:
        """A night of a year ago gets an epoch when its chunk, with its neighbours, is gone."""
        old = rows.nights(rows.devices(self.tenant, 5), self.noon - 365 * DAY)
        self.refresh_day(old[0])
        self.summarise()
        before = self.both(old[1:])
        retention.let_go(series=EPOCHS, at=timezone.now(), actor=ACTOR)
        rows.add(old[:1], rows.NIGHT, 10)
        self.refresh_day(old[0])
        self.summarise()
        return {"neighbours before": before, "after": self.both(old[1:])}

    def reading(self, years: int) -> dict[str, Any]:
        """Days of one device and of a fleet, a year of each: the summary against the raw rows."""
        found: dict[str, Any] = {}
        for fleet in (1, 10, 100)[: len(str(years))]:
            owner = tenants.create_tenant(slug=f"y{fleet}", name=f"Years {fleet}", actor=ACTOR)
            own = rows.devices(owner, fleet)
            start = timezone.now() - 380 * DAY
            rows.nights(own, start, days=365)
            self.summarise()
            execute("ANALYZE recordings_epoch, device_daily_summary")
            found[f"{fleet} device-years"] = _read(owner, own[0].pk, start)
        return found


def _read(owner: Tenant, device: int, start: datetime) -> dict[str, Any]:
    one = "AND device_id = %s"
    own = {
        "one device, summary: ms": lambda: execute(SUMMED_DAYS.format(whose=one), owner.pk, device),
        "one device, raw: ms": lambda: execute(RAW_DAYS.format(whose=one), owner.pk, device),
        "fleet, summary: ms": lambda: execute(SUMMED_DAYS.format(whose=""), owner.pk),
        "fleet, raw: ms": lambda: execute(RAW_DAYS.format(whose=""), owner.pk),
    }
    told = {name: work() for name, work in own.items()}
    answers = [[row[:2] for row in rows_] for rows_ in told.values()]
    same = answers[0] == answers[1] and answers[2] == answers[3]
    return {"the same answer": same} | {
        name: min(_ms(work) for _ in range(3)) for name, work in own.items()
    }


def aggregated(name: str) -> str:
    """The very selection that fills the table, as far as an aggregate may say it."""
    select = summaries.selection(name, "true")
    ended = summaries.DAY.format(time="epoch_start_ts + interval '30 seconds'")
    # An aggregate's bucket is of the bare time column.
    select = select.replace(
        ended, "time_bucket('1 day', epoch_start_ts, \"offset\" => interval '-30 seconds')"
    )
    plain = summaries.DAY.format(time="window_end_ts")
    return select.replace(plain, "time_bucket('1 day', window_end_ts)")


def _ms(work: Any) -> float:
    started = time.perf_counter()
    work()
    return round((time.perf_counter() - started) * 1e3, 2)


def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []
