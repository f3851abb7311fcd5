"""Flash records, wire payloads and request bodies, written from the firmware's documents."""

import base64
import json
import struct
import zlib
from datetime import UTC, datetime

import numpy as np

STEPS = (512, 256, 512, 128, 1024, 1024, 512, 512, 512, 1, 1, 1, 512, 512, 1)
SIGNED = {3: 32768, 6: 32768}
GAP_CODE, GAP = 0xFFFF, b"\x00\x00\xc0\x7f"


def crc32c(data: bytes, crc: int = 0) -> int:
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record(sequence: int, kind: int, place: tuple[int, int, int], payload: bytes) -> bytes:
    """A slot of 64 bytes; `place` is epoch index, recording, milliseconds. Its sequence number is
    the seed of the check, so a record holds only where it was written."""
    index, recording, at_ms = place
    head = struct.pack("<BBHIq", kind, len(payload), index, recording, at_ms)
    body = (head + payload).ljust(60, b"\xff")
    return body + struct.pack("<I", crc32c(body, sequence))


def radar_frame(control: int, command: int, data: bytes) -> bytes:
    """As the radar's datasheet frames a report or a query."""
    body = b"\x53\x59" + bytes([control, command]) + len(data).to_bytes(2, "big") + data
    return body + bytes([sum(body) % 256]) + b"\x54\x43"


def code(feature: int, value: float) -> int:
    """A float32 feature as its 16-bit code; the nearest step, halves to the even one."""
    if np.isnan(value):
        return GAP_CODE
    return int(np.rint(np.float32(value) * np.float32(STEPS[feature]))) + SIGNED.get(feature, 0)


def wire(codes: list[int]) -> bytes:
    """15 codes of 16 bits as little-endian float32."""
    values = [
        GAP if code == GAP_CODE else struct.pack("<f", (code - SIGNED.get(i, 0)) / STEPS[i])
        for i, code in enumerate(codes)
    ]
    return b"".join(values)


def instant(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"


def start_body(external_id: str, started_ms: int, zone: str) -> str:
    body = {"device_external_id": external_id, "started_at": instant(started_ms), "timezone": zone}
    return json.dumps(body, separators=(",", ":"))


def batch_body(recording: str, first: int, epochs: list[bytes]) -> tuple[str, int]:
    """The columnar form, and the CRC-32 that the answer must echo."""
    packed = b"".join(epochs)
    body = {
        "recording_id": recording,
        "feature_schema_version": "noctis_v1",
        "start_index": first,
        "epochs": base64.b64encode(packed).decode(),
    }
    return json.dumps(body, separators=(",", ":")), zlib.crc32(packed)
