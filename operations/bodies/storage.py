"""The bodies of storage policies: how they stand, what a plan would change, what was applied."""

from typing import Any

from rest_framework import serializers

from noctis.db.editions import Edition
from noctis.serializers import Body, Instant
from operations.policies import BY_NAME, Change, Doer
from operations.services.policies import Plan
from operations.services.status import Going, Standing, Status
from operations.storage import Held

HASH = "0c9b7a4d1e2f3a5b6c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b"
STANDING: dict[str, Any] = {
    "policy": "epochs.retention",
    "value": 90,
    "wanted": 90,
    "unit": "days",
    "done_by": "beat",
    "applied_at": "2026-03-01T21:04:05Z",
    "applied_by": "platform-admin",
    "last_run_at": "2026-03-02T03:00:00Z",
    "last_finished_at": "2026-03-02T03:00:02Z",
    "next_run_at": "2026-03-02T09:00:00Z",
    "runs": 4,
    "failures": 0,
    "last_error": None,
    "last_result": {"rows": 960, "nights": 1, "chunks": 0},
}
CHANGE: dict[str, Any] = {
    "policy": "epochs.retention",
    "action": "replace",
    "before": 90,
    "after": 30,
    "unit": "days",
    "done_by": "beat",
}


class StandingPolicy(Body):
    example = STANDING

    policy = serializers.CharField()
    value = serializers.IntegerField(
        allow_null=True, help_text="As it is; null where it was not applied, or cannot be here."
    )
    wanted = serializers.IntegerField(help_text="By the settings.")
    unit = serializers.CharField()
    done_by = serializers.ChoiceField(
        [doer.value for doer in Doer],
        help_text="`nobody`: this edition has no such thing.",
    )
    applied_at = Instant(allow_null=True)
    applied_by = serializers.CharField(allow_null=True)
    last_run_at = Instant(allow_null=True, help_text="By beat, or by the server's own record.")
    last_finished_at = Instant(allow_null=True)
    next_run_at = Instant(allow_null=True)
    runs = serializers.IntegerField()
    failures = serializers.IntegerField()
    last_error = serializers.CharField(allow_null=True)
    last_result = serializers.DictField()


class HeldSeries(Body):
    series = serializers.CharField()
    rows = serializers.IntegerField(help_text="An estimate.")
    bytes = serializers.IntegerField()
    chunks = serializers.IntegerField(allow_null=True, help_text="Null for a plain table.")
    chunk_days = serializers.IntegerField(allow_null=True)
    compression_ratio = serializers.FloatField(
        allow_null=True, help_text="Of what is compressed: bytes before to bytes after."
    )


class StoragePolicies(Body):
    example = {
        "edition": "postgres",
        "policies": [STANDING],
        "series": [
            {
                "series": "epochs",
                "rows": 960_000,
                "bytes": 143_040_000,
                "chunks": None,
                "chunk_days": None,
                "compression_ratio": None,
            }
        ],
    }

    edition = serializers.ChoiceField([edition.value for edition in Edition])
    policies = StandingPolicy(many=True)
    series = HeldSeries(many=True)


class PolicyChange(Body):
    example = CHANGE

    policy = serializers.CharField()
    action = serializers.ChoiceField(["add", "replace", "remove"])
    before = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField()
    done_by = serializers.ChoiceField([doer.value for doer in Doer])


class GoingSeries(Body):
    series = serializers.CharField()
    days = serializers.IntegerField()
    nights = serializers.IntegerField()
    rows = serializers.IntegerField(
        help_text="At most: a night across the limit counts with all of its epochs."
    )
    bytes = serializers.IntegerField(help_text="In proportion to the series' size.")
    oldest = Instant(allow_null=True)


class StoragePlan(Body):
    example = {
        "edition": "postgres",
        "plan": HASH,
        "changes": [CHANGE],
        "going": [
            {
                "series": "epochs",
                "days": 30,
                "nights": 41,
                "rows": 39_360,
                "bytes": 5_864_640,
                "oldest": "2026-01-02T21:04:05Z",
            }
        ],
    }

    edition = serializers.ChoiceField([edition.value for edition in Edition])
    plan = serializers.CharField(help_text="Names exactly these changes; `apply` takes it.")
    changes = PolicyChange(many=True)
    going = GoingSeries(many=True, help_text="What would be past its retention if applied now.")


class ApplyPlan(Body):
    example = {"plan": HASH, "reason": "Agreed with the data protection officer."}

    plan = serializers.RegexField(r"\A[0-9a-f]{64}\Z", help_text="The hash of a dry run.")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class AppliedPlan(Body):
    example = {"edition": "postgres", "plan": HASH, "applied": [CHANGE]}

    edition = serializers.ChoiceField([edition.value for edition in Edition])
    plan = serializers.CharField()
    applied = PolicyChange(many=True)


def status(found: Status) -> dict[str, Any]:
    return {
        "edition": found.edition.value,
        "policies": [standing(row) for row in found.standings],
        "series": [_held(name, held) for name, held in found.series.items()],
    }


def standing(found: Standing) -> dict[str, Any]:
    row, did = found.row, found.job or found.row
    return {
        "policy": found.policy.name,
        "value": found.value,
        "wanted": found.wanted,
        "unit": found.policy.unit,
        "done_by": found.doer.value,
        "applied_at": row.applied_at,
        "applied_by": row.applied_by or None,
        "last_run_at": did.started_at,
        "last_finished_at": did.finished_at,
        "next_run_at": found.next_run_at,
        "runs": did.runs,
        "failures": did.failures,
        "last_error": did.last_error or None,
        "last_result": row.last_result,
    }


def _held(name: str, held: Held) -> dict[str, Any]:
    return {
        "series": name,
        "rows": held.rows,
        "bytes": held.size,
        "chunks": held.chunks,
        "chunk_days": held.chunk_days,
        "compression_ratio": held.compression_ratio,
    }


def change(found: Change) -> dict[str, Any]:
    return {
        "policy": found.name,
        "action": found.action,
        "before": found.before,
        "after": found.after,
        "unit": BY_NAME[found.name].unit,
        "done_by": found.doer.value,
    }


def plan(found: Plan, going: list[Going]) -> dict[str, Any]:
    return {
        "edition": found.edition.value,
        "plan": found.hash,
        "changes": [change(row) for row in found.changes],
        "going": [
            {
                "series": row.series,
                "days": row.days,
                "nights": row.nights,
                "rows": row.rows,
                "bytes": row.size,
                "oldest": row.oldest,
            }
            for row in going
        ],
    }


def applied(found: Plan) -> dict[str, Any]:
    return {
        "edition": found.edition.value,
        "plan": found.hash,
        "applied": [change(row) for row in found.changes],
    }
