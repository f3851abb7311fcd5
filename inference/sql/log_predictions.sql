-- A prediction's one round trip: which of these answers were given before, to the same inputs, by
-- the same version, and the others for good. A function, because each of its statements sees what
-- was committed before the lock was ours; one statement would still see the rows from before it
-- waited. Writes nothing unless the verdict is 'ok', and then only what was not there yet.
CREATE OR REPLACE FUNCTION noctis_log_predictions(
    p_tenant integer, p_recording integer, p_started timestamptz, p_model smallint,
    p_role smallint, p_pass smallint, p_index integer[], p_stage integer[], p_width integer,
    p_probabilities real[], p_confidence real[], p_hash bytea, p_latency_us integer,
    p_request text, p_client integer,
    -- `revision` of each; `known` are the positions that were there, the rest is what they said.
    OUT verdict text, OUT revision integer[], OUT known integer[], OUT stage integer[],
    OUT probabilities real[], OUT confidence real[]
) LANGUAGE plpgsql
-- A young table's statistics promise one row where there is a night of them, and a loop over a night
-- for each of its epochs takes a hundred times as long.
SET enable_nestloop = off
-- With a loop forbidden, a plan that is kept looks dearer than one made for the night at hand, and so
-- each call planned anew, which took longer than all else. A kept one must not have been made to read
-- the whole table while it was young.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    step CONSTANT interval := interval '30 seconds';
    size CONSTANT integer := 16;
    asked CONSTANT integer := cardinality(p_index);
    first_at CONSTANT timestamptz := p_started + (p_index[1] + 1) * step;
    last_at CONSTANT timestamptz := p_started + (p_index[asked] + 1) * step;
    -- One hash for each epoch, or one for all of them.
    stride CONSTANT integer := CASE WHEN length(p_hash) > size THEN size ELSE 0 END;
    is_locked boolean := false;
    is_new boolean[];
BEGIN
    LOOP
        revision := array_fill(0, ARRAY[asked]);
        is_new := array_fill(true, ARRAY[asked]);
        known := NULL;
        PERFORM FROM inference_prediction logged
        WHERE logged.tenant_id = p_tenant AND logged.recording_id = p_recording
          AND logged.window_end_ts BETWEEN first_at AND last_at AND logged.model_id = p_model
          AND logged.role = p_role AND logged.pass = p_pass
        LIMIT 1;
        IF FOUND THEN
            SELECT array_agg(coalesce(same, newest + 1, 0) ORDER BY n),
                   array_agg(same IS NULL ORDER BY n),
                   array_agg(n ORDER BY n) FILTER (WHERE same IS NOT NULL)
            INTO revision, is_new, known
            FROM (
                SELECT n, max(logged.revision) AS newest, max(logged.revision) FILTER (
                    WHERE logged.input_hash = substr(p_hash, (n::integer - 1) * stride + 1, size)
                ) AS same
                FROM unnest(p_index) WITH ORDINALITY AS given (i, n)
                LEFT JOIN inference_prediction logged ON logged.tenant_id = p_tenant
                    AND logged.recording_id = p_recording
                    AND logged.window_end_ts BETWEEN first_at AND last_at
                    AND logged.epoch_index = i AND logged.model_id = p_model
                    AND logged.role = p_role AND logged.pass = p_pass
                GROUP BY n
            ) AS compared;
        ELSIF asked = 1 AND NOT is_locked THEN
            -- One stage that nobody has given yet, as nearly all are: the night's lock and the row by
            -- one statement. It adds none where somebody else just did, or the night is being erased.
            -- `+ 0`: else the plan, made while there are few nights, walks all of the tenant's.
            INSERT INTO inference_prediction (
                tenant_id, recording_id, window_end_ts, model_id, role, pass, revision,
                epoch_index, stage, probabilities, confidence, input_hash, latency_us, request_id,
                client_id, created_at)
            SELECT p_tenant, p_recording, first_at, p_model, p_role, p_pass, 0,
                   p_index[1], p_stage[1], p_probabilities, p_confidence[1], p_hash, p_latency_us,
                   p_request, p_client, statement_timestamp()
            FROM recordings_recording
            WHERE tenant_id + 0 = p_tenant AND id = p_recording AND status <> 'erasing'
            FOR NO KEY UPDATE
            ON CONFLICT DO NOTHING;
            IF FOUND THEN
                verdict := 'ok';
                RETURN;
            END IF;
        END IF;
        EXIT WHEN is_locked OR cardinality(known) = asked;
        -- One at a time for each night, and not while it is being erased. What was there already
        -- needs no lock, and so no commit that has to reach the disk.
        PERFORM FROM recordings_recording
        WHERE tenant_id + 0 = p_tenant AND id = p_recording AND status <> 'erasing'
        FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            verdict := 'missing';
            RETURN;
        END IF;
        is_locked := true;
    END LOOP;

    verdict := 'ok';
    IF known IS NOT NULL THEN
        SELECT array_agg(logged.stage::integer ORDER BY n),
               array_agg(logged.probabilities ORDER BY n), array_agg(logged.confidence ORDER BY n)
        INTO stage, probabilities, confidence
        FROM unnest(known) AS given (n)
        JOIN inference_prediction logged ON logged.tenant_id = p_tenant
            AND logged.recording_id = p_recording
            AND logged.window_end_ts BETWEEN first_at AND last_at
            AND logged.epoch_index = p_index[n] AND logged.model_id = p_model
            AND logged.role = p_role AND logged.pass = p_pass
            AND logged.revision = noctis_log_predictions.revision[n];
    END IF;
    IF cardinality(known) = asked THEN
        RETURN;
    END IF;
    INSERT INTO inference_prediction (
        tenant_id, recording_id, window_end_ts, model_id, role, pass, revision, epoch_index, stage,
        probabilities, confidence, input_hash, latency_us, request_id, client_id, created_at)
    SELECT p_tenant, p_recording, p_started + (i + 1) * step, p_model, p_role, p_pass,
           noctis_log_predictions.revision[n], i, p_stage[n],
           p_probabilities[(n - 1) * p_width + 1 : n * p_width], p_confidence[n],
           substr(p_hash, (n::integer - 1) * stride + 1, size), p_latency_us, p_request, p_client,
           statement_timestamp()
    FROM unnest(p_index) WITH ORDINALITY AS given (i, n)
    WHERE is_new[n];
END $$
