"""What became of each backup and of each restore: rows that outlive the files they tell of."""

from django.db import models
from django.db.models import Q


class Backup(models.Model):
    """One attempt to write the database down; nobody's own, it holds every tenant."""

    class Outcome(models.TextChoices):
        DONE = "done"
        FAILED = "failed"

    path = models.CharField(max_length=1000)
    outcome = models.CharField(max_length=10, choices=Outcome)
    # Why it failed: the refusal's code and the line that was told.
    failure = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=1000, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    # Which key of BACKUP_ENCRYPTION_KEYS opens it; empty where it is not encrypted.
    key_id = models.CharField(max_length=16, blank=True)
    edition = models.CharField(max_length=20, blank=True)
    table_count = models.IntegerField(default=0)
    row_count = models.BigIntegerField(default=0)
    # Its file was rotated away.
    removed_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="done", failure="") | (Q(outcome="failed") & ~Q(failure="")),
                name="backup_failure_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.path.rpartition("/")[2]


class Restoration(models.Model):
    """One attempt to bring a backup back: into a database that is dropped, or a new one."""

    class Kind(models.TextChoices):
        TEST = "test"
        RESTORE = "restore"

    class Outcome(models.TextChoices):
        EQUAL = "equal"
        DIFFERENT = "different"
        FAILED = "failed"

    path = models.CharField(max_length=1000)
    sha256 = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=10, choices=Kind)
    outcome = models.CharField(max_length=10, choices=Outcome)
    failure = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=1000, blank=True)
    # Table by table, what the restored database has otherwise than the manifest says.
    differences = models.JSONField(default=list)
    database = models.CharField(max_length=63, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    table_count = models.IntegerField(default=0)
    row_count = models.BigIntegerField(default=0)
    request_id = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Serves rotation: which of these files was once restored and found equal.
            models.Index(fields=["sha256"], name="restoration_by_file"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.path.rpartition('/')[2]}"
