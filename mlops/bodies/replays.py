"""The bodies of replays: which nights by which versions, how far, and what came of it."""

from typing import Any

from rest_framework import serializers

from mlops.comparison import FEWEST_NIGHTS, judged
from mlops.models import Replay
from mlops.services import replays
from mlops.services.comparisons import Nights
from noctis.serializers import Body, Instant
from recordings.stages import SHOWN
from tenants.models import Tenant

MOST_NAMED = 500
# Its own, beside those of a job.
CANCELLED = "cancelled"
_PAIR: dict[str, Any] = {
    "nights": 12,
    "epochs": 11_240,
    "accuracy": 0.81,
    "kappa": 0.71,
    "macro_f1": 0.7,
    "kappa_interval": [0.66, 0.76],
    "by_stage": {"f1": dict.fromkeys(SHOWN, 0.7)},
    "confusion": [[456, 40, 2, 36], [21, 4400, 90, 75], [9, 70, 1100, 2], [4, 80, 3, 801]],
    "expected_calibration_error": 0.04,
    "calibration": [{"epochs": 640, "mean_confidence": 0.94, "share_right": 0.95}],
}
_EXAMPLE: dict[str, Any] = {
    "id": "7d9f4a1e-0b7c-4a55-9a38-3f0f6d0b1c2d",
    "status": "done",
    "model_versions": ["linear-1", "tcn-1"],
    "store": False,
    "criteria": {"from": None, "to": None, "device_id": None, "recordings": []},
    "nights": 12,
    "progress": 1.0,
    "error": None,
    "created_at": "2026-03-01T21:04:05Z",
    "started_at": "2026-03-01T21:04:06Z",
    "finished_at": "2026-03-01T21:04:09Z",
}
_REPORT: dict[str, Any] = {
    "nights": 12,
    "stages": list(SHOWN),
    "lines": {
        "a": {
            "minutes": dict.fromkeys(SHOWN, 1200.0),
            "share": dict.fromkeys(SHOWN, 0.25),
            "unstaged_minutes": 30.0,
            "latency_ms": {"p50": 6.1, "p95": 7.4},
        }
    },
    "pairs": {"a against b": _PAIR},
    "most_different": [
        {
            "night": "0a4c7c1e-6f0e-4a39-8b56-5a4c2bd0f9a1",
            "agreement": 0.61,
            "epochs": 940,
            "differing_minutes": 183.0,
        }
    ],
    "left_out": {"schema_mismatch": 1},
    "fitted": 0,
    "difference": {
        "kappa": 0.02,
        "interval": [-0.01, 0.05],
        "units": 12,
        "fewest": FEWEST_NIGHTS,
        "verdict": "neither",
        "says": "Neither is shown to be better.",
    },
}


class NewReplay(Body):
    example: dict[str, Any] = {
        "model_versions": ["linear-1", "tcn-1"],
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-04-01T00:00:00Z",
        "store": False,
    }

    model_versions = serializers.ListField(
        child=serializers.CharField(max_length=64), min_length=1, max_length=2
    )
    recordings = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        min_length=1,
        max_length=MOST_NAMED,
        help_text="These nights; without it those of the range and device, or all.",
    )
    device_id = serializers.UUIDField(required=False)
    store = serializers.BooleanField(
        default=False, help_text="Log the predictions, with the role `replay`."
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of the language."""
        ends = {name: Instant(required=False) for name in ("from", "to")}
        return super().get_fields() | ends

    def validate_model_versions(self, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise serializers.ValidationError("Two different versions.", "unique")
        return value


class ReplayBody(Body):
    example = _EXAMPLE

    id = serializers.UUIDField()
    status = serializers.ChoiceField([*Replay.Status.values, CANCELLED])
    model_versions = serializers.ListField(child=serializers.CharField(), help_text="`a`, `b`.")
    store = serializers.BooleanField()
    criteria = serializers.DictField()
    nights = serializers.IntegerField()
    progress = serializers.FloatField(help_text="From 0 to 1.")
    error = serializers.CharField(allow_null=True)
    created_at = Instant()
    started_at = Instant(allow_null=True)
    finished_at = Instant(allow_null=True)


class DetailedReplay(ReplayBody):
    example = _EXAMPLE | {
        "standing": {"due": 0, "done": 12, "left_out": 0, "failed": 0},
        "report": _REPORT,
    }

    standing = serializers.DictField(
        child=serializers.IntegerField(), help_text="Nights by how far they are."
    )
    report = serializers.DictField(
        allow_null=True,
        help_text="Once it has ended: each version, what was stored and the truth (`lines`), each "
        "against others (`pairs`), κ of `a` less κ of `b` (`difference`; its "
        "`verdict` is `a`, `b`, `neither`, or `unknown` below `fewest` labelled nights), where "
        "they differ most. `fitted`: labelled nights of people that a version was fitted to; "
        "their labels do not count.",
    )


def nights_of(tenant: Tenant, body: dict[str, Any]) -> Nights:
    return Nights(
        tenant,
        body.get("from"),
        body.get("to"),
        body.get("device_id"),
        tuple(body.get("recordings", ())),
    )


def replay(row: Replay) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "status": status_of(row),
        "model_versions": [version.version for version in row.versions.values()],
        "store": row.is_stored,
        "criteria": row.criteria,
        "nights": row.nights,
        "progress": row.progress,
        "error": row.error or None,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def detailed_replay(row: Replay) -> dict[str, Any]:
    standing = replays.standing_of(replay=row)
    return replay(row) | {"standing": standing, "report": _report(row)}


def _report(row: Replay) -> dict[str, Any] | None:
    """What follows from the figures is said by the rule of today, however old they are."""
    if "difference" not in row.report:
        return row.report or None
    names = {name: version.version for name, version in row.versions.items()}
    return row.report | {"difference": judged(row.report["difference"], names)}


def status_of(row: Replay) -> str:
    return CANCELLED if row.cancelled_at else row.status
