"""The full edition alone: compressed chunks and the server's jobs come back with a backup."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from noctis.db.editions import Edition
from operations import storage
from operations.services.backup import restore, server
from recordings.models import Recording
from tests.factories import ACTOR, TenantFactory
from tests.inference.staged import closed
from tests.operations.backups import take
from tests.operations.kept import apply
from tests.recordings.full_nights import ship_schemas

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.tsl,
    pytest.mark.usefixtures("committed_rows"),
]
COMPRESSED = """
SELECT count(*) FROM timescaledb_information.chunks
WHERE hypertable_name = 'recordings_epoch' AND is_compressed
"""
JOBS = """
SELECT config ->> 'compress_after' FROM timescaledb_information.jobs
WHERE hypertable_name = 'recordings_epoch'
"""
# The last epoch again, and one that comes after it.
LATE = """
INSERT INTO recordings_epoch
SELECT tenant_id, recording_id, epoch_start_ts + late * interval '30 seconds', received_at,
       device_id, epoch_index + late, schema_id, features
FROM recordings_epoch, generate_series(0, 1) late
WHERE epoch_index = 59
ON CONFLICT DO NOTHING
"""
MARKED = "SELECT current_setting('timescaledb.restoring')"


@pytest.fixture
def compressed_night() -> Iterator[Recording]:
    """Forty days old, in a chunk that is compressed, under a policy."""
    if storage.edition() != Edition.TIMESCALE:
        pytest.skip("needs the full TimescaleDB behind INTEGRATION_TEST_DATABASE_URL")
    ship_schemas()
    started_at = timezone.now().replace(microsecond=0) - timedelta(days=40)
    night = closed(TenantFactory(), 60, started_at)
    apply()
    with connection.cursor() as cursor:
        cursor.execute("SELECT compress_chunk(c, true) FROM show_chunks('recordings_epoch') c")
    yield night
    with connection.cursor() as cursor:
        cursor.execute("SELECT remove_compression_policy('recordings_epoch')")
        cursor.execute("SELECT decompress_chunk(c, true) FROM show_chunks('recordings_epoch') c")
        cursor.execute("ALTER TABLE recordings_epoch SET (timescaledb.compress = false)")


@pytest.fixture
def restored(compressed_night: Recording, tmp_path: Path) -> Iterator[str]:
    """The name of a database that holds what a backup brought back."""
    name = f"{server.live_database()}_full"
    take(tmp_path / "a.dump")
    restore.restore_backup(path=tmp_path / "a.dump", into=name, actor=ACTOR)
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_compressed_chunks_come_back_compressed_and_are_proven_equal(
    compressed_night: Recording, tmp_path: Path
) -> None:
    take(tmp_path / "a.dump")

    proven = restore.prove_backup(path=tmp_path / "a.dump", actor=ACTOR)

    assert (proven.outcome, proven.differences) == ("equal", [])


def test_a_restored_database_has_its_chunks_and_jobs_and_takes_late_epochs(restored: str) -> None:
    with server.connect(database=restored) as there:
        found = [one(there, COMPRESSED), one(there, JOBS), one(there, MARKED)]
        added = there.execute(LATE).rowcount

    assert found == [1, "7 days", "off"]
    assert added == 1


def one(session: psycopg.Connection[tuple[object]], question: str) -> object:
    ((answer,),) = session.execute(question).fetchall()
    return answer
