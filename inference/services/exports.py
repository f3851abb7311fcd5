"""Hypnograms beside the other tables that are exported: a row for each revision of a night."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from recordings import stages, tables
from recordings.services import exports
from recordings.tables import NIGHTS_A_PAGE, Page, Table

KIND = "hypnograms"
# In commit order within a recording: revisions are made under its lock.
NEWEST = """
SELECT tenant_id, recording_id, max(staged_at) AS through
FROM inference_hypnogram GROUP BY tenant_id, recording_id
"""
HYPNOGRAMS = """
SELECT f.n, tenant.slug, night.uuid::text, night.night_on::text, night.started_at, night.timezone,
       hypnogram.revision, hypnogram.staged_at, model.version,
       coalesce(model.metadata->>'is_experimental', 'true'), hypnogram.disposition,
       hypnogram.coverage, hypnogram.mean_confidence, hypnogram.continuity, hypnogram.astray,
       hypnogram.statistics, hypnogram.stages::int[]
FROM export_frontier AS f
JOIN recordings_recording AS night ON night.id = f.recording_id
JOIN tenants_tenant AS tenant ON tenant.id = f.tenant_id
JOIN inference_hypnogram AS hypnogram
    ON hypnogram.tenant_id = f.tenant_id AND hypnogram.recording_id = f.recording_id
   AND hypnogram.staged_at > f.after AND hypnogram.staged_at <= f.through
JOIN inference_modelversion AS model ON model.id = hypnogram.model_id
WHERE night.status <> 'erasing' AND f.n > %(after)s AND f.n <= %(after)s + %(page)s
ORDER BY f.n, hypnogram.revision
"""
FACTS = [
    "tenant",
    "recording_id",
    "night_on",
    "started_at",
    "timezone",
    "revision",
    "staged_at",
    "model_version",
    "is_experimental",
    "disposition",
    "coverage",
    "mean_confidence",
    "continuity",
    "astray",
]
NUMBERS = [
    "time_in_bed_min",
    "unknown_min",
    "total_sleep_time_min",
    "sleep_efficiency_pct",
    "sleep_onset_latency_min",
    "rem_latency_min",
    "wake_after_sleep_onset_min",
    "awakenings",
]
COLUMNS = [*FACTS, *NUMBERS, *(f"{stage.lower()}_min" for stage in stages.SHOWN), "stages"]


def export_hypnograms() -> None:
    """Let `manage.py export` know the table."""
    table = Table("a row for each time that a night was staged", lambda: COLUMNS, _pages)
    exports.add_table(kind=KIND, table=table, newest=NEWEST)


def _pages(form: str, columns: Sequence[str]) -> Iterator[Page]:
    for found in tables.found_by(HYPNOGRAMS, NIGHTS_A_PAGE):
        rows = [
            [*facts, *_numbers(statistics), stages.letters_of(codes.tolist())]
            for _, *facts, statistics, codes in found
        ]
        yield Page(tables.spelt(form, columns, rows), len(rows))


def _numbers(statistics: Mapping[str, Any]) -> list[float | None]:
    shown = [statistics["minutes_by_stage"][stage] for stage in stages.SHOWN]
    return [*(statistics[name] for name in NUMBERS), *shown]
