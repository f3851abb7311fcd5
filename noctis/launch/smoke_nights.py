"""A stranger's night: a device, a recording, epochs in every form, read back and closed."""

import base64
import math
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from noctis.launch.stranger import SmokeFailed, Stranger

EPOCHS = 960
VERSION = "noctis_v1"
Row = list[float]


def nights(stranger: Stranger) -> str:
    """Needs a token that may ingest and read; gives the recording that was closed in the end."""
    device = stranger.expect(201, "POST", "/v1/devices", {"name": "smoke", "external_id": "SM-1"})
    stranger.done(f"a device was registered: {device.body['external_id']}")
    started_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=9)
    start = {"device_external_id": "SM-1", "started_at": started_at.isoformat()}
    recording = stranger.expect(201, "POST", "/v1/recordings:start", start).body
    stranger.done("it started a recording nine hours ago")
    rows = [[float(value) for value in _row(index)] for index in range(EPOCHS)]
    _send(stranger, recording["id"], started_at, rows)
    _refused(stranger, recording["id"], rows)
    _read_back(stranger, recording["id"], rows)
    _close(stranger, recording["id"])
    return str(recording["id"])


def _row(index: int) -> Row:
    """Whole numbers within every feature's range, so that each form says exactly the same."""
    wave = math.sin(index / 40)
    return [100, 60 + round(8 * wave), 2, 0, 14, 1, 0, index % 7, 5, 0, 0, 95, 4, 60, 0]


def _packed(rows: list[Row]) -> str:
    flat = [value for row in rows for value in row]
    return base64.b64encode(struct.pack(f"<{len(flat)}f", *flat)).decode()


def _listed(started_at: datetime, rows: list[Row], first: int, *, packed: bool) -> list[Any]:
    return [
        {
            "epoch_index": first + i,
            "epoch_start_ts": (started_at + timedelta(seconds=30 * (first + i))).isoformat(),
            "feature_schema_version": VERSION,
            "features": _packed([row]) if packed else row,
        }
        for i, row in enumerate(rows)
    ]


def _send(stranger: Stranger, recording: str, started_at: datetime, rows: list[Row]) -> None:
    """The middle first, then the end, then the beginning late: order does not matter."""
    middle = _listed(started_at, rows[320:640], 320, packed=False)
    ending = _listed(started_at, rows[640:], 640, packed=True)
    batches = (
        ("a list", {"epochs": middle}, 320),
        ("base64 for each epoch", {"epochs": ending}, 320),
        ("one base64 column, late", _column(rows[:320], 0), 320),
        ("the same again", _column(rows[:320], 0), 0),
    )
    for form, batch, inserted in batches:
        body = {"recording_id": recording} | batch
        answer = stranger.expect(200, "POST", "/v1/epochs:ingest", body).body
        if answer["inserted"] != inserted:
            raise SmokeFailed(f"{form}: {answer['inserted']} epochs were new, not {inserted}")
        stranger.done(f"{form}: {answer['inserted']} new, {answer['duplicates']} known")


def _column(rows: list[Row], first: int) -> dict[str, Any]:
    return {"feature_schema_version": VERSION, "start_index": first, "epochs": _packed(rows)}


def _refused(stranger: Stranger, recording: str, rows: list[Row]) -> None:
    changed = [*rows[:10]]
    changed[4] = [*rows[4][:1], rows[4][1] + 1, *rows[4][2:]]
    body = {"recording_id": recording} | _column(changed, 0)
    answer = stranger.expect(409, "POST", "/v1/epochs:ingest", body).body
    named = [problem["epoch_index"] for problem in answer["errors"]]
    if (answer["code"], named) != ("epoch_conflict", [4]):
        raise SmokeFailed(f"a contradiction was refused oddly: {answer}")
    stranger.done("other values for epoch 4 are refused by name: epoch_conflict")


def _read_back(stranger: Stranger, recording: str, rows: list[Row]) -> None:
    path = f"/v1/recordings/{recording}/epochs?limit=2880"
    items = stranger.expect(200, "GET", path).body["items"]
    read = [list(item["features"].values()) for item in items]
    if [item["epoch_index"] for item in items] != list(range(EPOCHS)) or read != rows:
        raise SmokeFailed(f"the night came back otherwise: {len(items)} epochs")
    stranger.done(f"all {EPOCHS} epochs came back as they were sent")


def _close(stranger: Stranger, recording: str) -> None:
    first = stranger.expect(200, "POST", f"/v1/recordings/{recording}:close", {}).body
    again = stranger.expect(200, "POST", f"/v1/recordings/{recording}:close", {}).body
    if first["status"] == "open" or again["ended_at"] != first["ended_at"]:
        raise SmokeFailed(f"closing twice differs: {first} and {again}")
    stranger.done(f"the recording is closed, {first['epoch_count']} epochs, ended as the last did")
