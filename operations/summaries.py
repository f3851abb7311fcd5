"""The statements that sum nights up by UTC day. Rows over time are read by nobody else here."""

from collections.abc import Mapping, Sequence

from recordings import stages
from recordings.models import FeatureSchema

# What a device's day tells of, and the features that it is called by in one schema or another.
MEASURED: Mapping[str, tuple[str, ...]] = {
    "heart_rate": ("hr_mean",),
    "respiration": ("rr_mean",),
    "movement": ("large_move_pct", "motion_index"),
}
DAY = "date_bin('1 day', {time}, '2000-01-01 00:00+00')"
OF_NIGHTS = "tenant_id = %(tenant)s AND recording_id = ANY(%(recordings)s)"
# The codes of roles and passes stand in predictions for good; these are the production night's.
PRODUCTION = "role = 0 AND pass = 1"

RECORDINGS = """
SELECT tenant_id, recording_id, model_id, input_hash, {day} AS day, count(*) AS predictions,
       {stages}, avg(confidence)::double precision AS mean_confidence
FROM inference_prediction
WHERE {night_pass} AND {nights}
GROUP BY tenant_id, recording_id, model_id, input_hash, {day}
"""

DEVICES = """
SELECT tenant_id, device_id, recording_id, {day} AS day, count(*) AS epochs,
       (max(epoch_index) - min(epoch_index) + 1)::bigint AS expected,
       count(*) FILTER (WHERE 'NaN'::real = ANY(features)) AS gaps,
       {measured}
FROM recordings_epoch
WHERE {nights}
GROUP BY tenant_id, device_id, recording_id, {day}
"""

# Under the lock that retention takes too: what is gone is not summed up as nothing. A night whose
# row somebody holds is left for the next time; a mark that waited for it could wait for ever.
DUE = """
SELECT night.id, night.updated_at, night.started_at FROM recordings_recording night
LEFT JOIN operations_summarymark mark
       ON mark.recording_id = night.id AND mark.summary = %(summary)s
WHERE night.tenant_id = %(tenant)s AND night.started_at >= %(since)s AND night.status <> 'erasing'
  AND (mark.id IS NULL OR (mark.state = 'whole' AND mark.seen_at <> night.updated_at))
ORDER BY night.started_at DESC, night.id DESC LIMIT %(limit)s
FOR KEY SHARE OF night SKIP LOCKED
"""

MARK = """
INSERT INTO operations_summarymark AS mark
       (tenant_id, recording_id, summary, state, started_at, seen_at)
SELECT %(tenant)s, id, %(summary)s, 'whole', started_at, seen_at
FROM unnest(%(recordings)s::bigint[], %(started)s::timestamptz[], %(seen)s::timestamptz[])
     AS night (id, started_at, seen_at)
ON CONFLICT (recording_id, summary) DO UPDATE SET seen_at = excluded.seen_at
"""


def statements(summary: str) -> tuple[str, str]:
    """Empty a summary of some nights, and fill it with what their rows say now."""
    emptied = f"DELETE FROM {summary} WHERE {OF_NIGHTS}"  # noqa: S608 - a name of ours
    columns, select = _COLUMNS[summary], selection(summary, OF_NIGHTS)
    return emptied, f"INSERT INTO {summary} ({', '.join(columns)}) {select}"


def selection(summary: str, nights: str) -> str:
    """The rows of a summary; `nights` says of which recordings."""
    if summary == "recording_daily_summary":
        day = DAY.format(time="window_end_ts")
        return RECORDINGS.format(day=day, stages=_stages(), night_pass=PRODUCTION, nights=nights)
    # As with predictions, an epoch belongs to the day in which it ends.
    day = DAY.format(time="epoch_start_ts + interval '30 seconds'")
    return DEVICES.format(day=day, measured=_measured(), nights=nights)


def _stages() -> str:
    counted = []
    for shown, column in zip(stages.SHOWN, _STAGES, strict=True):
        codes = ", ".join(str(stage.code) for stage in stages.STAGES if stage.shown == shown)
        counted.append(f"count(*) FILTER (WHERE stage IN ({codes})) AS {column}")
    return ", ".join(counted)


def _measured() -> str:
    schemas = dict(FeatureSchema.objects.values_list("id", "features"))
    told = []
    for name, spellings in MEASURED.items():
        value = f"nullif({_feature(schemas, spellings)}, 'NaN'::real)::double precision"
        told += [f"sum({value}) AS {name}_sum", f"count({value}) AS {name}_known"]
    return ", ".join(told)


def _feature(schemas: Mapping[int, Sequence[Mapping[str, str]]], spellings: Sequence[str]) -> str:
    """Where a feature stands in each schema that has it; arrays count from 1."""
    cases = "".join(
        f" WHEN {int(key)} THEN features[{place}]"
        for key, features in sorted(schemas.items())
        for place, feature in enumerate(features, 1)
        if feature["name"] in spellings
    )
    return f"CASE schema_id{cases} END" if cases else "NULL::real"


_STAGES = ("wake", "light", "deep", "rem")
_COLUMNS = {
    "recording_daily_summary": (
        *("tenant_id", "recording_id", "model_id", "input_hash", "day", "predictions"),
        *_STAGES,
        "mean_confidence",
    ),
    "device_daily_summary": (
        *("tenant_id", "device_id", "recording_id", "day", "epochs", "expected", "gaps"),
        *(f"{name}_{part}" for name in MEASURED for part in ("sum", "known")),
    ),
}
