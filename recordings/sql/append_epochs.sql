-- The hot path's one round trip: lock the recording, check what only its row can tell, add what is
-- new, keep the counters. A function, because each of its statements sees what was committed before
-- the lock was ours; one statement would still see the rows from before it waited.
-- Writes nothing unless the verdict is 'ok'.
CREATE OR REPLACE FUNCTION noctis_append_epochs(
    p_tenant integer, p_recording uuid, p_device uuid, p_schema smallint, p_width integer,
    p_index integer[], p_features real[], p_earliest double precision, p_latest double precision,
    p_tolerance double precision, p_oldest timestamptz,
    OUT verdict text, OUT started_at timestamptz, OUT added integer, OUT named integer[]
) LANGUAGE plpgsql
-- A plan is kept; while a table is young, reading all of it looks cheap, and is not for long.
SET enable_seqscan = off
AS $$
DECLARE
    night record;
    step CONSTANT interval := interval '30 seconds';
    origin double precision;
    first_at timestamptz;
    last_at timestamptz;
BEGIN
    -- A recording's batches come in this order, and their times of receipt with them.
    SELECT r.id, r.device_id, r.started_at,
           greatest(clock_timestamp(), r.last_epoch_received_at + interval '1 microsecond') AS at
    INTO night
    FROM recordings_recording r
    -- `+ 0`, and no join: else an index of the tenant's or the device's nights looks as good as
    -- their own key while the tables are young, and the plan that is kept walks all of them.
    WHERE r.uuid = p_recording AND r.tenant_id + 0 = p_tenant AND r.status <> 'erasing'
      AND (p_device IS NULL OR r.device_id = (SELECT d.id FROM devices_device d
                                              WHERE d.uuid = p_device))
    FOR UPDATE;
    IF NOT FOUND THEN
        verdict := 'missing';
        RETURN;
    END IF;

    -- The clocks that mean the earliest and the latest start speak for all epochs between. Whole
    -- microseconds are exact; seconds since 1970 leave a float room for less than one.
    started_at := night.started_at;
    origin := extract(epoch FROM night.started_at);
    IF round((origin - p_earliest) * 1e6) > p_tolerance * 1e6
       OR round((p_latest - origin) * 1e6) > p_tolerance * 1e6 THEN
        verdict := 'off_grid';
        RETURN;
    END IF;
    first_at := night.started_at + p_index[1] * step;
    last_at := night.started_at + p_index[cardinality(p_index)] * step;
    IF first_at < p_oldest THEN
        verdict := 'past_retention';
        RETURN;
    END IF;

    verdict := 'ok';
    PERFORM FROM recordings_epoch stored
    WHERE stored.tenant_id = p_tenant AND stored.recording_id = night.id
      AND stored.epoch_start_ts BETWEEN first_at AND last_at
    LIMIT 1;
    IF NOT FOUND THEN
        -- Nobody else adds to this night now: no need to guard each row against a rival.
        INSERT INTO recordings_epoch (tenant_id, recording_id, epoch_start_ts, received_at,
                                      device_id, epoch_index, schema_id, features)
        SELECT p_tenant, night.id, night.started_at + i * step, night.at,
               night.device_id, i, p_schema, p_features[(n - 1) * p_width + 1 : n * p_width]
        FROM unnest(p_index) WITH ORDINALITY AS epoch (i, n);
    ELSE
        named := ARRAY(
            SELECT i FROM unnest(p_index) WITH ORDINALITY AS epoch (i, n)
            JOIN recordings_epoch stored ON stored.tenant_id = p_tenant
                AND stored.recording_id = night.id
                AND stored.epoch_start_ts = night.started_at + i * step
            WHERE stored.schema_id <> p_schema
               -- By its bytes: as numbers, 0 and -0 are equal.
               OR array_send(stored.features)
                  <> array_send(p_features[(n - 1) * p_width + 1 : n * p_width])
            ORDER BY i);
        IF cardinality(named) > 0 THEN
            verdict := 'contradicted';
            RETURN;
        END IF;
        INSERT INTO recordings_epoch (tenant_id, recording_id, epoch_start_ts, received_at,
                                      device_id, epoch_index, schema_id, features)
        SELECT p_tenant, night.id, night.started_at + i * step, night.at,
               night.device_id, i, p_schema, p_features[(n - 1) * p_width + 1 : n * p_width]
        FROM unnest(p_index) WITH ORDINALITY AS epoch (i, n)
        ON CONFLICT DO NOTHING;
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;

    UPDATE recordings_recording r
    SET last_heard_at = night.at,
        epoch_count = epoch_count + added,
        last_index = greatest(last_index, p_index[cardinality(p_index)]),
        last_epoch_received_at = CASE WHEN added > 0 THEN night.at ELSE last_epoch_received_at END,
        updated_at = CASE WHEN added > 0 THEN night.at ELSE updated_at END,
        status = CASE WHEN added > 0 AND status = 'staged' THEN 'closed' ELSE status END
    WHERE r.id = night.id;
    UPDATE devices_device
    SET last_seen_at = night.at
    WHERE id = night.device_id
      AND (last_seen_at IS NULL OR last_seen_at < night.at - step);
END $$
