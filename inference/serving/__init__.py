"""What serves in this process: one immutable snapshot, swapped by one assignment."""

from inference.serving.holder import current, follow, forget, refresh
from inference.serving.snapshot import Served, Snapshot

__all__ = ["Served", "Snapshot", "current", "follow", "forget", "refresh"]
