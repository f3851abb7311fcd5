"""Predictions and events only grow, and a version keeps its artifact for good."""

from django.db import migrations

from noctis.db.triggers import AppendOnly

KEEP_ARTIFACT = """
CREATE FUNCTION noctis_keep_artifact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a model version keeps its name, its artifact and its schema'
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
END $$;
CREATE TRIGGER keep_artifact BEFORE UPDATE ON inference_modelversion
FOR EACH ROW WHEN (
    (OLD.version, OLD.artifact_hash, OLD.schema_id, OLD.metadata, OLD.is_live, OLD.is_night)
    IS DISTINCT FROM
    (NEW.version, NEW.artifact_hash, NEW.schema_id, NEW.metadata, NEW.is_live, NEW.is_night)
) EXECUTE FUNCTION noctis_keep_artifact();
"""
FORGET = """
DROP TRIGGER keep_artifact ON inference_modelversion;
DROP FUNCTION noctis_keep_artifact();
"""


class Migration(migrations.Migration):
    dependencies = [("inference", "0001_initial")]

    operations = [
        AppendOnly("inference_prediction"),
        AppendOnly("inference_modelevent"),
        migrations.RunSQL(KEEP_ARTIFACT, FORGET),
    ]
