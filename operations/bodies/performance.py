"""The bodies of how fast the platform is, and of what its database server counted."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from noctis.serializers import Body, Instant
from operations.bodies.monitoring import told
from operations.objectives import WINDOWS
from operations.services.performance import Performance
from operations.statements import Server, Slow, Table

TIMING = {"count": 1204, "p50_ms": 4.1, "p95_ms": 11.7, "p99_ms": 31.2}
PROCESS = {
    "name": "web-1-17",
    "inference": TIMING,
    "commit": TIMING,
    "epochs": 96_000,
    "circuit": "closed",
    "memory_bytes": 153_000_000,
    "uptime_s": 86_400.5,
}
CIRCUITS = ["closed", "probing", "open"]


class Timing(Body):
    count = serializers.IntegerField()
    p50_ms = serializers.FloatField(allow_null=True, help_text="Out of the histogram's buckets.")
    p95_ms = serializers.FloatField(allow_null=True)
    p99_ms = serializers.FloatField(allow_null=True)


class ProcessPerformance(Body):
    name = serializers.CharField(help_text="`gone`: what processes that died had counted.")
    inference = Timing(help_text="Answers with predictions since the process began.")
    commit = Timing(help_text="Batches of epochs.")
    epochs = serializers.IntegerField(help_text="That were new.")
    circuit = serializers.ChoiceField(CIRCUITS, allow_null=True)
    memory_bytes = serializers.IntegerField(
        allow_null=True, help_text="Resident now; null on another host, or where it is gone."
    )
    uptime_s = serializers.FloatField(allow_null=True)


class SpanPerformance(Body):
    window = serializers.ChoiceField([*WINDOWS])
    inference = Timing()
    commit = Timing()
    epochs_per_s = serializers.FloatField()


class PlatformPerformance(Body):
    example = {
        "at": "2026-03-01T21:04:05Z",
        "is_shared": True,
        "inference": TIMING,
        "commit": TIMING,
        "epochs": 96_000,
        "cache_hit_rate": 0.31,
        "circuit": "closed",
        "memory_bytes": 306_000_000,
        "pool": {"kind": "one for each thread", "threads": 4},
        "spans": [
            {"window": "5m", "inference": TIMING, "commit": TIMING, "epochs_per_s": 10.7},
        ],
        "processes": [PROCESS],
    }

    at = Instant()
    is_shared = serializers.BooleanField(
        help_text="False: only the process that answered is seen (`PROMETHEUS_MULTIPROC_DIR`)."
    )
    inference = Timing()
    commit = Timing()
    epochs = serializers.IntegerField()
    cache_hit_rate = serializers.FloatField(allow_null=True)
    circuit = serializers.ChoiceField(CIRCUITS, help_text="The worst process's.")
    memory_bytes = serializers.IntegerField(help_text="Of the processes of this host.")
    pool = serializers.DictField(help_text="The connections of the process that answers.")
    spans = SpanPerformance(many=True, help_text="The last minutes, whoever restarted.")
    processes = ProcessPerformance(many=True)


class SlowStatement(Body):
    text = serializers.CharField(help_text="With `$1` where values were.")
    calls = serializers.IntegerField()
    rows = serializers.IntegerField()
    mean_ms = serializers.FloatField()
    max_ms = serializers.FloatField()
    total_ms = serializers.FloatField()


class TableStatistics(Body):
    name = serializers.CharField()
    rows = serializers.IntegerField(help_text="An estimate.")
    dead_rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sequential_scans = serializers.IntegerField(allow_null=True)
    index_scans = serializers.IntegerField()
    vacuumed_at = Instant(allow_null=True)


class ServerStatistics(Body):
    buffer_hit_rate = serializers.FloatField(allow_null=True)
    commits = serializers.IntegerField()
    rollbacks = serializers.IntegerField()
    deadlocks = serializers.IntegerField()
    temporary_bytes = serializers.IntegerField()
    connections = serializers.IntegerField()
    most_connections = serializers.IntegerField()
    oldest_transaction_s = serializers.FloatField(allow_null=True)


class PerformanceStatistics(Body):
    example = {
        "slow_statements": [],
        "why_no_statements": "this server does not have pg_stat_statements",
        "server": {
            "buffer_hit_rate": 0.998,
            "commits": 48_211,
            "rollbacks": 12,
            "deadlocks": 0,
            "temporary_bytes": 0,
            "connections": 12,
            "most_connections": 100,
            "oldest_transaction_s": 0.2,
        },
        "tables": [
            {
                "name": "recordings_epoch",
                "rows": 960_000,
                "dead_rows": 0,
                "bytes": 143_040_000,
                "sequential_scans": 2,
                "index_scans": 81_000,
                "vacuumed_at": "2026-03-01T03:00:00Z",
            }
        ],
    }

    slow_statements = SlowStatement(many=True)
    why_no_statements = serializers.CharField(
        allow_blank=True, help_text="Why the list is missing, where it is."
    )
    server = ServerStatistics()
    tables = TableStatistics(many=True)


def performance(found: Performance) -> dict[str, Any]:
    return {name: told(value) for name, value in asdict(found).items()}


def statistics(slow: Slow, server: Server, tables: list[Table]) -> dict[str, Any]:
    rows = [{name: told(value) for name, value in asdict(table).items()} for table in tables]
    return {
        "slow_statements": [asdict(statement) for statement in slow.statements],
        "why_no_statements": slow.why_not,
        "server": asdict(server),
        "tables": rows,
    }
