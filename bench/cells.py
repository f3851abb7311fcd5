"""The cells of the ingest benchmark: raw COPY, our statement alone, the naive peer, and ours."""

import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import psycopg
from django.utils import timezone

from bench import load
from bench.stage import Stage
from devices.models import Device
from noctis.db.arrays import PackedFloats
from recordings import rows
from recordings.batches import EpochBatch
from recordings.models import Recording
from tests.recordings import nights

EPOCHS = 256
CONNECTIONS = 8
MATRIX = nights.features(EPOCHS)
BATCH = EpochBatch(np.arange(EPOCHS, dtype=np.int32), MATRIX, None, EPOCHS, "")
_COPY = (
    "COPY recordings_epoch (tenant_id, recording_id, epoch_start_ts, received_at, device_id, "
    "epoch_index, schema_id, features) FROM STDIN (FORMAT BINARY)"
)
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Job:
    """One cell's work: a batch for each of these nights."""

    stage: Stage
    token: str
    made: list[Recording]
    clients: int


Act = Callable[[], load.Outcome]


@dataclass(frozen=True)
class Cell:
    """Preparing is not measured; what it answers is."""

    name: str
    prepare: Callable[[Job], Act]
    clients: int
    batches: int

    @property
    def label(self) -> str:
        return f"{self.name} x{self.clients}"


def all_cells(batches: int) -> list[Cell]:
    forms = [(form, ours(form)) for form in ("list", "packed", "column")]
    cells = [Cell(name, run, count, batches) for name, run in forms for count in (1, 8, 32)]
    cells += [
        Cell("copy", copy, CONNECTIONS, batches),
        Cell("insert", insert, CONNECTIONS, batches),
    ]
    return [*cells, Cell("naive", naive, CONNECTIONS, max(16, batches // 8))]


def fresh_recordings(device: Device, count: int, taken: int) -> list[Recording]:
    """Open nights that nothing was sent to yet; each start is used once."""
    start = timezone.now().replace(microsecond=0) - timedelta(days=80)
    return Recording.objects.bulk_create(
        Recording(
            tenant=device.tenant,
            device=device,
            started_at=start + timedelta(seconds=taken + i),
            night_on=start.date(),
            last_heard_at=timezone.now(),
        )
        for i in range(count)
    )


def ours(form: str) -> Callable[[Job], Act]:
    return lambda job: _post(job, "/v1/epochs:ingest", form)


def naive(job: Job) -> Act:
    return _post(job, "/bench/naive", "list")


def _post(job: Job, path: str, form: str) -> Act:
    bodies = (_body(night, form) for night in job.made)
    requests = [load.request_bytes("POST", path, job.token, body) for body in bodies]
    return lambda: load.run(job.stage.port, requests, job.clients)


def _body(night: Recording, form: str) -> bytes:
    if form == "column":
        return json.dumps(nights.body(night, MATRIX, 0, form)).encode()
    values = _PACKED if form == "packed" else _LISTED
    epochs = (
        f'{{"epoch_index":{i},"epoch_start_ts":"{nights.instant(night, i)}",'
        f'"feature_schema_version":"{nights.VERSION}","features":{value}}}'
        for i, value in enumerate(values)
    )
    return f'{{"recording_id":"{night.uuid}","epochs":[{",".join(epochs)}]}}'.encode()


_LISTED = [json.dumps(nights.listed(row)) for row in MATRIX]
_PACKED = [json.dumps(nights.packed(row)) for row in MATRIX]


def copy(job: Job) -> Act:
    """The same rows into the same table by binary COPY, a transaction a batch."""
    features = [_array(row) for row in MATRIX]
    payloads = [b"".join(_copied(night, features)) for night in job.made]

    def write(connection: psycopg.Connection, position: int) -> None:
        with connection.cursor().copy(_COPY) as stream:
            stream.write(payloads[position])

    return lambda: _raw(job, write)


def insert(job: Job) -> Act:
    """Our statement alone: no web server, no token, no body."""
    oldest = timezone.now() - timedelta(days=90)

    def write(connection: psycopg.Connection, position: int) -> None:
        night = job.made[position]
        place = rows.Place(night.tenant_id, UUID(str(night.uuid)), None, 1, oldest)
        connection.execute(rows.APPEND, rows.values_of(place, BATCH), prepare=True)

    return lambda: _raw(job, write)


def _raw(job: Job, write: Callable[[psycopg.Connection, int], None]) -> load.Outcome:
    outcome, lock, gate = load.Outcome(), threading.Lock(), threading.Barrier(job.clients + 1)
    queue = iter(range(len(job.made)))

    def client() -> None:
        with psycopg.connect(job.stage.database_url) as connection:
            gate.wait()
            while True:
                with lock:
                    position = next(queue, None)
                if position is None:
                    return
                started = time.perf_counter()
                write(connection, position)
                connection.commit()
                with lock:
                    outcome.latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(job.clients)]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - started
    return outcome


def _copied(night: Recording, features: list[bytes]) -> Iterator[bytes]:
    """COPY's binary form: a header, a row of length-prefixed fields an epoch, a trailer."""
    yield b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    microsecond = timedelta(microseconds=1)
    received = (night.last_heard_at - _POSTGRES_EPOCH) // microsecond
    started = (night.started_at - _POSTGRES_EPOCH) // microsecond
    for index, array in enumerate(features):
        starts = started + 30_000_000 * index
        yield struct.pack(">hiiiiiqiq", 8, 4, night.tenant_id, 4, night.pk, 8, starts, 8, received)
        yield struct.pack(">iiiiih", 4, night.device_id, 4, index, 2, 1)
        yield struct.pack(">i", len(array)) + array
    yield struct.pack(">h", -1)


def _array(row: np.ndarray) -> bytes:
    return PackedFloats.of(row).raw
