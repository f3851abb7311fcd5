"""Backups: taken in one snapshot, sealed, rotated, restored, and compared with what they were."""
