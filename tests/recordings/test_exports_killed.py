"""Increments with writers at work, and of processes that are killed: each row once, none lost."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from recordings.models import Epoch, ExportMark, LabelSet, Recording
from tests.factories import TenantFactory
from tests.recordings.increments import (
    Rows,
    increment,
    keys,
    manifest_of,
    rows_of,
    score,
    stored_keys,
)
from tests.recordings.nights import features, night_of
from tests.recordings.test_reads import keep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recording() -> Recording:
    return night_of(TenantFactory(slug="quay"))


def test_with_eight_writers_at_work_the_increments_are_the_table(tmp_path: Path) -> None:
    tenant = TenantFactory()
    shared = [night_of(tenant, name=f"device {n}") for n in range(4)]
    matrix, at_work = features(240, gaps=0), threading.Barrier(9)
    epochs: list[Rows] = []
    versions: list[Rows] = []

    def ingest(number: int) -> None:
        """Half of the writers run into the other half: each night is sent twice."""
        recording = shared[number % 4]
        starts = list(range(0, 240, 8))
        at_work.wait()
        for start in starts if number < 4 else reversed(starts):
            keep(recording, matrix[start : start + 8], start)
            score(recording, "0" * (start // 8 + 1), scorer=f"rater-{number}")
            if start % 24 == 0:  # or they were done before the disk has kept four increments
                wait_for_another(epochs)
        connection.close()

    writers = [threading.Thread(target=ingest, args=[number]) for number in range(8)]
    for writer in writers:
        writer.start()
    at_work.wait()
    while any(writer.is_alive() for writer in writers):
        epochs.append(increment(tmp_path, "epochs", len(epochs)))
        versions.append(increment(tmp_path, "labels", len(versions)))
    epochs.append(increment(tmp_path, "epochs", len(epochs)))
    versions.append(increment(tmp_path, "labels", len(versions)))

    assert sum(1 for rows in epochs if rows) > 3
    assert keys([row for rows in epochs for row in rows]) == stored_keys()
    assert Epoch.objects.count() == 960
    told = Counter((row["recording_id"], row["version"]) for rows in versions for row in rows)
    assert len(told) == LabelSet.objects.count() == 240
    assert set(told.values()) == {1}


def wait_for_another(increments: list[Rows]) -> None:
    deadline, count = time.monotonic() + 30, len(increments)
    while len(increments) == count and time.monotonic() < deadline:
        time.sleep(0.005)


def test_what_was_written_before_an_increment_and_committed_after_it_comes_with_the_next(
    recording: Recording, tmp_path: Path
) -> None:
    other = night_of(recording.tenant, name="other")
    keep(recording, features(2), 100)
    is_written, may_commit = threading.Event(), threading.Event()

    def ingest_slowly() -> None:
        with transaction.atomic():
            keep(recording, features(5))
            score(recording, "01")
            is_written.set()
            may_commit.wait(30)
        connection.close()

    writer = threading.Thread(target=ingest_slowly)
    writer.start()
    is_written.wait(30)
    keep(other, features(3))
    score(other, "0")
    before = [increment(tmp_path, kind, 1) for kind in ("epochs", "labels", "recordings")]
    may_commit.set()
    writer.join()
    after = [increment(tmp_path, kind, 2) for kind in ("epochs", "labels", "recordings")]

    assert [len(rows) for rows in before] == [5, 1, 2]
    assert [len(rows) for rows in after] == [5, 1, 1]
    assert keys(before[0] + after[0]) == stored_keys()


class Gate:
    """Holds every commit of marks until it is opened: the moment between file and commit."""

    TRIED = "FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"

    def __init__(self, holder: psycopg.Connection[tuple[object, ...]]) -> None:
        self.holder = holder
        holder.execute("SELECT pg_advisory_lock(4711)")

    def wait_for(self, export: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 30
        while not self.holder.execute(f"SELECT 1 {self.TRIED}").fetchone():
            assert export.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def open(self, *, is_lost: bool) -> None:
        """Let the commit through, or end its session with it undone."""
        if is_lost:
            self.holder.execute(f"SELECT pg_terminate_backend(pid, 5000) {self.TRIED}")
        self.holder.execute("SELECT pg_advisory_unlock(4711)")
        running = "FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"
        while self.holder.execute(f"SELECT 1 {running}").fetchone():
            time.sleep(0.02)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER wait_for_test AFTER INSERT OR UPDATE
                ON recordings_exportmark DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION wait_for_test()""")
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as holder:
        yield Gate(holder)
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION wait_for_test() CASCADE")


def wait_until_nobody_exports() -> None:
    """The database ends a killed client's session when it next looks at it."""
    locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        cursor.execute(locks)
        while cursor.fetchone() and time.monotonic() < deadline:
            time.sleep(0.02)
            cursor.execute(locks)


def start_export(*words: object) -> subprocess.Popen[str]:
    address = connection.settings_dict
    url = f"postgresql:///{address['NAME']}?host={address['HOST']}&port={address['PORT']}"
    if address["USER"]:
        url = url.replace(":///", f"://{address['USER']}:{address['PASSWORD']}@/")
    return subprocess.Popen(
        [sys.executable, "manage.py", "export", "epochs", *map(str, words)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(export: subprocess.Popen[str]) -> None:
    export.kill()
    export.communicate()


def test_an_export_whose_reader_goes_away_says_so_in_one_line(recording: Recording) -> None:
    keep(recording, features(2_880))
    export = start_export()

    export.stdout.readline()
    export.stdout.close()
    said = export.stderr.read()
    export.stderr.close()

    assert export.wait() == 1
    assert said.splitlines() == ["CommandError: standard output was closed: the export is cut off"]


def test_killed_before_its_marks_are_committed_an_export_comes_again_and_loses_nothing(
    recording: Recording, tmp_path: Path, gate: Gate
) -> None:
    keep(recording, features(10))
    path = tmp_path / "epochs-1.csv"
    export = start_export("--since-last", "--output", path)
    gate.wait_for(export)

    killed(export)
    gate.open(is_lost=True)

    assert keys(rows_of(path.read_text())) == stored_keys()
    assert not ExportMark.objects.exists()
    first = manifest_of(path)
    keep(recording, features(5, seed=1), 10)
    again = increment(tmp_path, "epochs", 1)
    assert keys(again) == stored_keys()
    assert manifest_of(path)["from"] == first["from"]
    assert increment(tmp_path, "epochs", 2) == []


def test_killed_while_its_marks_are_committed_an_export_has_brought_its_rows(
    recording: Recording, tmp_path: Path, gate: Gate
) -> None:
    keep(recording, features(10))
    export = start_export("--since-last", "--output", tmp_path / "epochs-1.csv")
    gate.wait_for(export)

    killed(export)
    gate.open(is_lost=False)
    wait_until_nobody_exports()

    keep(recording, features(5, seed=1), 10)
    rest = increment(tmp_path, "epochs", 2)
    assert keys(rows_of((tmp_path / "epochs-1.csv").read_text()) + rest) == stored_keys()


def test_killed_before_its_file_is_there_an_export_leaves_nothing_in_its_place(
    recording: Recording, tmp_path: Path
) -> None:
    keep(recording, features(10))
    path = tmp_path / "epochs-1.csv"
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE recordings_exportmark IN SHARE MODE")
        export = start_export("--since-last", "--output", path)
        while not (tmp_path / ".epochs-1.csv.part").exists():
            assert export.poll() is None
            time.sleep(0.02)
        killed(export)

    assert not path.exists()
    wait_until_nobody_exports()
    assert keys(increment(tmp_path, "epochs", 1)) == stored_keys()
    assert len(list(tmp_path.iterdir())) == 2
