"""A key that is bound to a device names one of its own tenant; tenants knows no devices itself."""

from django.db import migrations, models

BIND = """
ALTER TABLE tenants_serviceclientkey ADD CONSTRAINT key_device_of_tenant
FOREIGN KEY (tenant_id, device_uuid) REFERENCES devices_device (tenant_id, uuid)
DEFERRABLE INITIALLY DEFERRED
"""
RELEASE = "ALTER TABLE tenants_serviceclientkey DROP CONSTRAINT key_device_of_tenant"


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial")]

    operations = [
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(
                fields=("tenant", "uuid"), name="device_tenant_uuid"
            ),
        ),
        migrations.RunSQL(BIND, RELEASE),
    ]
