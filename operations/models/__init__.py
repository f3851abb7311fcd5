"""The platform's own rows: its backups, and what became of them when they were tried."""

from operations.models.backup import Backup, Restoration

__all__ = ["Backup", "Restoration"]
