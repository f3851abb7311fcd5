"""A model version: one artifact for good, a state, and the events that brought it there."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inference import lifecycle
from recordings.models import FeatureSchema


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def named(self, version: str) -> Self:
        return self.filter(version=version)

    def in_status(self, status: str) -> Self:
        return self.filter(status=status)


class ModelVersion(models.Model):
    """Nobody's own: a version serves every tenant. Small keys: every prediction carries one."""

    class Status(models.TextChoices):
        CANDIDATE = lifecycle.CANDIDATE
        VALIDATED = lifecycle.VALIDATED
        PRODUCTION = lifecycle.PRODUCTION
        ARCHIVED = lifecycle.ARCHIVED
        REJECTED = lifecycle.REJECTED

    id = models.SmallAutoField(primary_key=True)
    version = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.CANDIDATE)
    # Which passes it may serve: with only what is past, with the whole night, or either.
    is_live = models.BooleanField()
    is_night = models.BooleanField()
    # SHA-256 over the names, sizes and hashes of its files: inference.artifacts.
    artifact_hash = models.CharField(max_length=64)
    schema = models.ForeignKey(FeatureSchema, on_delete=models.PROTECT, related_name="+")
    # As its metadata.json said when it came: metrics, provenance, card.
    metadata = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200)

    objects: ClassVar[Any] = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=lifecycle.STATUSES), name="model_status_known"
            ),
            models.CheckConstraint(
                condition=Q(version__regex=rf"^{lifecycle.VERSION_NAME}$")
                & ~Q(version__in=lifecycle.RESERVED),
                name="model_version_is_a_name",
            ),
            models.CheckConstraint(
                condition=Q(is_live=True) | Q(is_night=True), name="model_has_a_pass"
            ),
            models.CheckConstraint(
                condition=Q(artifact_hash__regex=r"^[0-9a-f]{64}$"), name="model_hash_is_sha256"
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def name(self) -> str:
        """What the audit log calls it."""
        return self.version

    @property
    def families(self) -> list[str]:
        offered = {"live": self.is_live, "night": self.is_night}
        return [family for family, is_offered in offered.items() if is_offered]


class ModelEvent(models.Model):
    """What happened to a version, who did it and why. Append-only."""

    class Action(models.TextChoices):
        IMPORT = "import"
        VALIDATE = "validate"
        SERVE = "serve"
        ROLLBACK = "rollback"
        # Another one took its place.
        RETIRE = "retire"
        ARCHIVE = "archive"
        REJECT = "reject"
        # It should have served and could not be loaded: what served before stayed.
        LOAD_FAILED = "load_failed"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="events")
    action = models.CharField(max_length=12, choices=Action)
    # 'live' or 'night' where the action is about one of them.
    family = models.CharField(max_length=5, blank=True)
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10, blank=True)
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    # What of the gates was unmet, and why it was let pass.
    waived = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    waiver = models.CharField(max_length=500, blank=True)
    # Of what serves, as it was after the event.
    generation = models.BigIntegerField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Serves the way back: what served a family, in order.
            models.Index(fields=["family", "-id"], condition=~Q(family=""), name="event_by_family"),
        ]
        constraints = [
            # Every process finds out; one of them says it.
            models.UniqueConstraint(
                fields=["version", "family", "generation"],
                condition=Q(action="load_failed"),
                name="event_failure_told_once",
            ),
            models.CheckConstraint(
                condition=Q(family__in=["", "live", "night"]), name="event_family_known"
            ),
            models.CheckConstraint(
                condition=Q(waived=[]) | ~Q(waiver=""), name="event_waiver_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.version_id}"
