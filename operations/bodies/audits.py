"""The body of what the last audit of the data found."""

from typing import Any

from rest_framework import serializers

from noctis.serializers import Body, Instant
from operations import audits
from operations.bodies.monitoring import told
from operations.models import DataAudit, DataFinding


class AuditFinding(Body):
    check = serializers.ChoiceField(list(audits.BY_NAME), help_text="Which check found something.")
    must_be = serializers.CharField(help_text="What should be true.")
    is_fault = serializers.BooleanField(help_text="False: it informs, as gaps in nights do.")
    count = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.CharField(), help_text="At most five.")
    opened_at = Instant()
    seen_at = Instant()


class AuditReport(Body):
    example = {
        "at": "2026-03-01T21:04:05Z",
        "seconds": 1.8,
        "checked": 11,
        "unfinished": [],
        "findings": [
            {
                "check": "epoch_counts",
                "must_be": "a night's counter equals the epochs that are stored of it",
                "is_fault": True,
                "count": 1,
                "examples": [
                    "recording 0b7c3f0e-6f3e-4f55-9d63-0a2f0d9b1f11: counted 960, stored 959"
                ],
                "opened_at": "2026-03-01T20:49:05Z",
                "seen_at": "2026-03-01T21:04:05Z",
            }
        ],
    }

    at = Instant(allow_null=True, help_text="Null before the first audit.")
    seconds = serializers.FloatField(allow_null=True)
    checked = serializers.IntegerField()
    unfinished = serializers.ListField(
        child=serializers.CharField(), help_text="Checks that were not done within their time."
    )
    findings = AuditFinding(many=True, help_text="What is open now.")


def report(last: DataAudit | None, findings: list[DataFinding]) -> dict[str, Any]:
    return {
        "at": told(last.at) if last else None,
        "seconds": last.seconds if last else None,
        "checked": last.checked if last else 0,
        "unfinished": last.unfinished if last else [],
        "findings": [_finding(row) for row in findings],
    }


def _finding(row: DataFinding) -> dict[str, Any]:
    return {
        "check": row.check_name,
        "must_be": audits.BY_NAME[row.check_name].says,
        "is_fault": row.is_fault,
        "count": row.count,
        "examples": row.examples,
        "opened_at": told(row.opened_at),
        "seen_at": told(row.seen_at),
    }
