"""The feature schemas that ship: the device's, active, and the older ten features beside it."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from recordings import schemas


def add_shipped(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("recordings", "FeatureSchema").objects
    for version, features in schemas.SHIPPED.items():
        rows.create(
            version=version,
            digest=schemas.digest_of(features),
            features=schemas.as_rows(features),
            is_active=version == schemas.ACTIVE_VERSION,
        )


class Migration(migrations.Migration):
    dependencies = [("recordings", "0001_initial")]

    operations = [migrations.RunPython(add_shipped, migrations.RunPython.noop)]
