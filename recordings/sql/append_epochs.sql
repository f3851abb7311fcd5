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
    first CONSTANT integer := p_index[1];
    last CONSTANT integer := p_index[cardinality(p_index)];
    now CONSTANT timestamptz := clock_timestamp();
    bound integer;
    origin double precision;
    at timestamptz;
BEGIN
    -- A statement of its own: within the next one it would make each call plan that anew.
    IF p_device IS NOT NULL THEN
        SELECT d.id INTO bound FROM devices_device d WHERE d.uuid = p_device;
        IF NOT FOUND THEN
            verdict := 'missing';
            RETURN;
        END IF;
    END IF;

    -- What never changes of a night needs no lock.
    SELECT r.id, r.device_id, r.started_at INTO night
    FROM recordings_recording r
    -- `+ 0`: else an index of the tenant's nights looks as good as their own key while the tables
    -- are young, and the plan that is kept walks all of them.
    WHERE r.uuid = p_recording AND r.tenant_id + 0 = p_tenant AND r.status <> 'erasing'
      AND (bound IS NULL OR r.device_id = bound);
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
    IF night.started_at + first * step < p_oldest THEN
        verdict := 'past_retention';
        RETURN;
    END IF;

    verdict := 'ok';
    -- A batch that goes on where the night ended meets no stored epoch: counting it is the lock.
    -- A recording's batches come in this order, and their times of receipt with them.
    UPDATE recordings_recording r
    SET last_heard_at = greatest(now, r.last_epoch_received_at + interval '1 microsecond'),
        last_epoch_received_at = greatest(now, r.last_epoch_received_at + interval '1 microsecond'),
        updated_at = greatest(now, r.last_epoch_received_at + interval '1 microsecond'),
        epoch_count = r.epoch_count + cardinality(p_index),
        last_index = last,
        status = CASE WHEN r.status = 'staged' THEN 'closed' ELSE r.status END
    WHERE r.id = night.id AND r.status <> 'erasing' AND coalesce(r.last_index, -1) < first
    RETURNING r.last_heard_at INTO at;
    IF FOUND THEN
        added := cardinality(p_index);
        INSERT INTO recordings_epoch (tenant_id, recording_id, epoch_start_ts, received_at,
                                      device_id, epoch_index, schema_id, features)
        SELECT batch.tenant, batch.night, batch.origin + i * batch.step, batch.at,
               batch.device, i, batch.schema,
               batch.flat[(n - 1) * batch.width + 1 : n * batch.width]
        -- Columns, for a variable costs more in each row. And PL/pgSQL keeps an array unfolded:
        -- cut as it is, it would be folded whole for each row; `||` folds it once.
        FROM (SELECT p_tenant AS tenant, night.id AS night, night.started_at AS origin,
                     step AS step, at AS at, night.device_id AS device, p_schema AS schema,
                     p_width AS width, p_features || '{}'::real[] AS flat OFFSET 0) AS batch,
             unnest(p_index) WITH ORDINALITY AS epoch (i, n);
    ELSE
        SELECT greatest(now, r.last_epoch_received_at + interval '1 microsecond') INTO at
        FROM recordings_recording r WHERE r.id = night.id AND r.status <> 'erasing' FOR UPDATE;
        IF NOT FOUND THEN
            verdict := 'missing';
            RETURN;
        END IF;
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
        SELECT p_tenant, night.id, night.started_at + i * step, at,
               night.device_id, i, p_schema, p_features[(n - 1) * p_width + 1 : n * p_width]
        FROM unnest(p_index) WITH ORDINALITY AS epoch (i, n)
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS added = ROW_COUNT;
        UPDATE recordings_recording r
        SET last_heard_at = at,
            epoch_count = epoch_count + added,
            last_index = greatest(last_index, last),
            last_epoch_received_at = CASE WHEN added > 0 THEN at ELSE last_epoch_received_at END,
            updated_at = CASE WHEN added > 0 THEN at ELSE updated_at END,
            status = CASE WHEN added > 0 AND status = 'staged' THEN 'closed' ELSE status END
        WHERE r.id = night.id;
    END IF;
    UPDATE devices_device
    SET last_seen_at = at
    WHERE id = night.device_id
      AND (last_seen_at IS NULL OR last_seen_at < at - step);
END $$
