"""Who changed what, when and why: append-only rows in one hash chain for each tenant."""

from django.db import models

from tenants.models.owned import Owned
from tenants.models.tenant import Tenant


class AuditChain(models.Model):
    """The newest link of a tenant's chain; its row lock puts the chain's entries in order."""

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True)
    sequence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"{self.tenant_id}: {self.sequence}"


class AuditEntry(Owned):
    class Channel(models.TextChoices):
        CONSOLE = "console"
        API = "api", "API"
        COMMAND = "command"
        TASK = "task"

    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    channel = models.CharField(max_length=10, choices=Channel)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=80)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=64)
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            # Serves the tenant's log, newest first, and its export: GET /v1/audit.
            models.Index(fields=["tenant", "-at", "-id"], name="audit_by_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sequence"], name="audit_sequence_once"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
