"""The platform's own rows: policies, objectives, the days' summaries, backups and their proofs."""

from operations.models.backup import Backup, Restoration
from operations.models.fault import Fault
from operations.models.finding import DataAudit, DataFinding
from operations.models.objective import Objective, ObjectiveReading
from operations.models.policy import StoragePolicy
from operations.models.stress import StressRun
from operations.models.summary import DeviceDailySummary, RecordingDailySummary, SummaryMark

__all__ = [
    "Backup",
    "DataAudit",
    "DataFinding",
    "DeviceDailySummary",
    "Fault",
    "Objective",
    "ObjectiveReading",
    "RecordingDailySummary",
    "Restoration",
    "StoragePolicy",
    "StressRun",
    "SummaryMark",
]
