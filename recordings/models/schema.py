"""What the numbers of an epoch mean: a version, its features in order, and which one is active."""

from django.db import models
from django.db.models import Q


class FeatureSchema(models.Model):
    """Rows never change but for `is_active`; small keys, because every epoch row carries one."""

    id = models.SmallAutoField(primary_key=True)
    version = models.CharField(max_length=40, unique=True)
    # SHA-256 of the canonical JSON of `features`.
    digest = models.CharField(max_length=64, unique=True)
    features = models.JSONField()
    is_active = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-is_active", "version"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="schema_one_active"
            )
        ]

    def __str__(self) -> str:
        return self.version
