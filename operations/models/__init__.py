"""The platform's own rows: its policies, the days' summaries, its backups and what they proved."""

from operations.models.backup import Backup, Restoration
from operations.models.policy import StoragePolicy
from operations.models.summary import DeviceDailySummary, RecordingDailySummary, SummaryMark

__all__ = [
    "Backup",
    "DeviceDailySummary",
    "RecordingDailySummary",
    "Restoration",
    "StoragePolicy",
    "SummaryMark",
]
