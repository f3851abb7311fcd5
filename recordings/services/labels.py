"""Ground truth comes in: whole sets, versioned under the recording's lock, never overwritten."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from noctis import errors
from recordings.models import LabelSet, Recording
from recordings.stages import UNSCORED

# After the lock, so that within a recording versions and instants are in the order of commits:
# the incremental export relies on it. A clock that was set back does not break the order.
INSERT = """
INSERT INTO recordings_labelset (tenant_id, recording_id, version, scorer, source, stages,
                                 created_at)
SELECT %(tenant)s, %(recording)s, coalesce(max(version), 0) + 1, %(scorer)s, %(source)s, %(stages)s,
       greatest(clock_timestamp(), max(created_at) + interval '1 microsecond')
FROM recordings_labelset WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
RETURNING id
"""


@dataclass(frozen=True)
class Scoring:
    """Who scored, and each epoch's stage as a code; position i is epoch i."""

    scorer: str
    source: str
    stages: list[int]

    @property
    def trimmed(self) -> list[int]:
        """Nobody scored what comes after the last stage, however it was spelt."""
        scored = [i for i, code in enumerate(self.stages) if code != UNSCORED]
        return self.stages[: scored[-1] + 1] if scored else []


def add_labels(*, recording: Recording, scoring: Scoring) -> tuple[LabelSet, bool]:
    """Keep a scoring as the recording's next version, and say whether it is one.

    What its scorer said last from the same source changes nothing: that version is the answer."""
    with transaction.atomic():
        nights = Recording.objects.owned_by(recording.tenant_id)
        if nights.select_for_update().filter(pk=recording.pk).first() is None:
            raise errors.Missing  # its erasure was asked for meanwhile
        owned = LabelSet.objects.owned_by(recording.tenant_id).filter(recording=recording)
        said = owned.filter(scorer=scoring.scorer, source=scoring.source).order_by("-version")
        latest = said.first()
        if latest is not None and latest.stages == scoring.trimmed:
            return latest, False
        return owned.get(pk=_insert(recording, scoring)), True


def _insert(recording: Recording, scoring: Scoring) -> int:
    values: dict[str, Any] = {
        "tenant": recording.tenant_id,
        "recording": recording.pk,
        "scorer": scoring.scorer,
        "source": scoring.source,
        "stages": scoring.trimmed,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        return int(cursor.fetchone()[0])
