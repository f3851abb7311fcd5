"""Rows of the foundations: what was answered to a request that may be sent again."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models


class KeptAnswerQuerySet(models.QuerySet[Any]):
    def expired(self, at: datetime) -> "KeptAnswerQuerySet":
        return self.filter(expires_at__lte=at)


class KeptAnswer(models.Model):
    """The answer to a POST with an `Idempotency-Key`, written with the effect or not at all."""

    tenant = models.BigIntegerField()  # an id: foundations know no app
    client = models.TextField()
    route = models.TextField()
    key = models.TextField()
    fingerprint = models.BinaryField(max_length=32)
    answer = models.TextField(help_text="Sealed by the key ring, for it may hold a secret.")
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[Any] = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "client", "route", "key"], name="kept_answer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
