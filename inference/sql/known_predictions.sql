-- What a version said of a whole night, where it looked at just these inputs: all of it was logged
-- at once, so that finding any is finding all. Null where it was not.
CREATE OR REPLACE FUNCTION noctis_known_predictions(
    p_tenant integer, p_recording integer, p_started timestamptz, p_model smallint,
    p_role smallint, p_pass smallint, p_first integer, p_last integer, p_hash bytea,
    OUT index integer[], OUT revision integer[], OUT stage integer[],
    OUT probabilities real[], OUT confidence real[]
) LANGUAGE plpgsql STABLE
-- A plan that is kept must not have been made to read the whole table while it was young.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    SELECT array_agg(logged.epoch_index), array_agg(logged.revision),
           array_agg(logged.stage::integer), array_agg(logged.probabilities),
           array_agg(logged.confidence)
    INTO index, revision, stage, probabilities, confidence
    FROM inference_prediction logged
    WHERE logged.tenant_id = p_tenant AND logged.recording_id = p_recording
      AND logged.window_end_ts BETWEEN p_started + (p_first + 1) * interval '30 seconds'
                                   AND p_started + (p_last + 1) * interval '30 seconds'
      AND logged.model_id = p_model AND logged.role = p_role AND logged.pass = p_pass
      AND logged.input_hash = p_hash;
END $$
