"""What must be true of the stored data, each as one statement that names what is not. Pure.

A statement's one column says of a row what is wrong; counts and examples are taken around it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """`says` is what must be true; `is_fault` is False where a finding only informs."""

    name: str
    says: str
    sql: str
    is_fault: bool = True


COUNTED = (
    "SELECT count(*), coalesce((array_agg(told ORDER BY told))[1:5], '{{}}') FROM ({sql}) AS f"
)

CHECKS = (
    Check(
        "unique_keys",
        "the keys that make a duplicate impossible are there and valid",
        """
        SELECT wanted.tbl || ' has no valid unique key on ' || wanted.cols AS told
        FROM (VALUES ('recordings_epoch', '{tenant_id,recording_id,epoch_start_ts}'),
                     ('inference_prediction', '{tenant_id,recording_id,window_end_ts,model_id,'
                                              'role,pass,revision}')) AS wanted (tbl, cols)
        WHERE NOT EXISTS (
            SELECT FROM pg_index held WHERE held.indrelid = wanted.tbl::regclass
              AND held.indisunique AND held.indisvalid AND held.indpred IS NULL
              AND wanted.cols::text[] = (
                SELECT array_agg(col.attname::text ORDER BY place)
                FROM unnest(held.indkey::int[]) WITH ORDINALITY AS key (num, place)
                JOIN pg_attribute col ON col.attrelid = held.indrelid AND col.attnum = key.num))
        """,
    ),
    Check(
        "references",
        "every reference of the schema is one that the database has checked",
        """
        SELECT conrelid::regclass || '.' || conname || ' is not validated' AS told
        FROM pg_constraint WHERE contype = 'f' AND NOT convalidated
          AND connamespace = current_schema()::regnamespace
        """,
    ),
    Check(
        "epoch_counts",
        "a night's counter equals the epochs that are stored of it",
        """
        SELECT 'recording ' || night.uuid || ': counted ' || night.epoch_count || ', stored '
               || coalesce(held.epochs, 0) AS told
        FROM recordings_recording night
        LEFT JOIN (SELECT tenant_id, recording_id, count(*) AS epochs FROM recordings_epoch
                   GROUP BY tenant_id, recording_id) AS held
               ON held.tenant_id = night.tenant_id AND held.recording_id = night.id
        WHERE night.epoch_count <> coalesce(held.epochs, 0) AND night.status <> 'erasing'
        """,
    ),
    Check(
        "off_grid",
        "an epoch lies where its index says",
        """
        SELECT 'recording ' || night.uuid || ', epoch ' || epoch.epoch_index AS told
        FROM recordings_epoch epoch JOIN recordings_recording night
          ON night.id = epoch.recording_id AND night.tenant_id = epoch.tenant_id
        WHERE epoch.epoch_start_ts <> night.started_at + epoch.epoch_index * interval '30 seconds'
        """,
    ),
    Check(
        "schema_mismatches",
        "an epoch has as many features as its schema",
        """
        SELECT 'recording ' || night.uuid || ', epoch ' || epoch.epoch_index AS told
        FROM recordings_epoch epoch
        JOIN recordings_recording night
          ON night.id = epoch.recording_id AND night.tenant_id = epoch.tenant_id
        LEFT JOIN recordings_featureschema known ON known.id = epoch.schema_id
        WHERE known.id IS NULL
           OR cardinality(epoch.features) <> jsonb_array_length(known.features::jsonb)
        """,
    ),
    Check(
        "orphan_epochs",
        "epochs are of a night that there is, and of its tenant",
        """
        SELECT 'tenant ' || tenant_id || ', recording ' || recording_id || ': '
               || count(*) || ' epochs' AS told
        FROM recordings_epoch epoch WHERE NOT EXISTS (
            SELECT FROM recordings_recording night
            WHERE night.id = epoch.recording_id AND night.tenant_id = epoch.tenant_id)
        GROUP BY tenant_id, recording_id
        """,
    ),
    Check(
        "orphan_predictions",
        "predictions are of a night that there is, and of its tenant",
        """
        SELECT 'tenant ' || tenant_id || ', recording ' || recording_id || ': '
               || count(*) || ' predictions' AS told
        FROM inference_prediction logged WHERE NOT EXISTS (
            SELECT FROM recordings_recording night
            WHERE night.id = logged.recording_id AND night.tenant_id = logged.tenant_id)
        GROUP BY tenant_id, recording_id
        """,
    ),
    Check(
        "hypnograms_unlogged",
        "the newest hypnogram of a night has a logged prediction for each of its stages",
        """
        SELECT 'recording ' || night.uuid || ': ' || newest.given || ' stages, '
               || newest.logged || ' logged' AS told
        FROM (
            SELECT DISTINCT ON (hypnogram.tenant_id, hypnogram.recording_id) hypnogram.recording_id,
                   (SELECT count(*) FROM unnest(hypnogram.stages) AS stage WHERE stage >= 0)
                     AS given,
                   (SELECT count(*) FROM inference_prediction logged
                    WHERE logged.tenant_id = hypnogram.tenant_id
                      AND logged.recording_id = hypnogram.recording_id
                      AND logged.model_id = hypnogram.model_id AND logged.role = 0
                      AND logged.pass = 1 AND logged.input_hash = hypnogram.input_hash) AS logged
            FROM inference_hypnogram hypnogram
            ORDER BY hypnogram.tenant_id, hypnogram.recording_id, hypnogram.id DESC
        ) AS newest
        JOIN recordings_recording night ON night.id = newest.recording_id
        LEFT JOIN operations_summarymark mark ON mark.recording_id = night.id
             AND mark.summary = 'recording_daily_summary'
        WHERE newest.given > newest.logged AND night.status = 'staged'
          -- Retention has taken what is missing.
          AND coalesce(mark.state, 'whole') = 'whole'
        """,
    ),
    Check(
        "past_retention",
        "nothing is stored that retention should have let go two days ago",
        """
        SELECT 'recording ' || night.uuid AS told
        FROM recordings_recording night
        JOIN operations_storagepolicy policy ON policy.name = 'epochs.retention'
        WHERE policy.value IS NOT NULL AND NOT night.is_kept AND night.epoch_count > 0
          AND night.started_at + (coalesce(night.last_index, 0) + 1) * interval '30 seconds'
              < now() - (policy.value + 2) * interval '1 day'
        """,
    ),
    Check(
        "gaps",
        "a night that is over has an epoch at every place up to its last",
        """
        SELECT 'recording ' || night.uuid || ': ' || night.last_index + 1 - night.epoch_count
               || ' missing' AS told
        FROM recordings_recording night
        WHERE night.status IN ('closed', 'staged') AND night.last_index IS NOT NULL
          AND night.last_index + 1 > night.epoch_count AND night.epoch_count > 0
        """,
        is_fault=False,
    ),
)
CHAINS = Check("audit_chains", "no audit entry was edited, removed or moved", "")
ALL = (*CHECKS, CHAINS)
BY_NAME = {check.name: check for check in ALL}
