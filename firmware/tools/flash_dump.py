"""Read an image of the device's flash: sectors, records, what is pending. Never writes."""

import argparse
import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECTOR_BYTES, SLOT_BYTES, SLOTS, CRC_AT = 4096, 64, 64, 60
MAGIC = 0x31474C4E
KINDS = {
    0x11: "epoch",
    0x22: "cursor",
    0x33: "time",
    0x44: "boot",
    0x55: "quarantined",
    0x66: "gap",
}
STEPS = (512, 256, 512, 128, 1024, 1024, 512, 512, 512, 1, 1, 1, 512, 512, 1)
SIGNED = {3: 32768, 6: 32768}
GAP = 0xFFFF


def crc32c(data: bytes, crc: int = 0) -> int:
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@dataclass(frozen=True)
class Header:
    sector: int
    generation: int
    tail: int
    cursor: int
    lost: int


def header_of(sector: int, raw: bytes) -> Header | None:
    magic, generation, inverse, tail, cursor, lost = struct.unpack_from("<6I", raw)
    (crc,) = struct.unpack_from("<I", raw, CRC_AT)
    is_good = magic == MAGIC and generation ^ inverse == 0xFFFFFFFF
    if not is_good or crc != crc32c(raw[:CRC_AT]):
        return None
    return Header(sector, generation, tail, cursor, lost)


def record_of(raw: bytes, sequence: int) -> dict[str, object] | None:
    kind, length, index, recording, at_ms = struct.unpack_from("<BBHIq", raw)
    (crc,) = struct.unpack_from("<I", raw, CRC_AT)
    if length != 30 or crc != crc32c(raw[:CRC_AT], sequence):
        return None
    record: dict[str, object] = {
        "sequence": sequence,
        "kind": KINDS.get(kind, hex(kind)),
        "recording": recording,
        "index": index,
        "at_ms": at_ms,
    }
    if kind == 0x11:
        codes = struct.unpack_from("<15H", raw, 16)
        record["features"] = [
            None if code == GAP else (code - SIGNED.get(i, 0)) / STEPS[i]
            for i, code in enumerate(codes)
        ]
    elif kind in (0x22, 0x55, 0x66, 0x44):
        record["number"] = struct.unpack_from("<I", raw, 16)[0]
    return record


def headers(image: bytes) -> list[Header]:
    """Of the live sectors, oldest first."""
    found = [
        header_of(at // SECTOR_BYTES, image[at : at + SLOT_BYTES])
        for at in range(0, len(image), SECTOR_BYTES)
    ]
    known = [header for header in found if header is not None]
    if not known:
        return []
    newest = known[0]
    for header in known:
        if 0 < (header.generation - newest.generation) % 2**32 < 2**31:
            newest = header
    age = {h.sector: (newest.generation - h.generation) % 2**32 for h in known}
    span = (newest.generation - newest.tail) % 2**32
    return sorted((h for h in known if age[h.sector] <= span), key=lambda h: -age[h.sector])


def records(image: bytes) -> Iterator[dict[str, object]]:
    for header in headers(image):
        for slot in range(1, SLOTS):
            at = header.sector * SECTOR_BYTES + slot * SLOT_BYTES
            sequence = (header.generation * SLOTS + slot) % 2**32
            record = record_of(image[at : at + SLOT_BYTES], sequence)
            if record is not None:
                yield record


def main() -> int:
    words = argparse.ArgumentParser(prog="flash_dump")
    words.add_argument("image", type=Path)
    words.add_argument("--sectors", type=int, default=2032, help="of the log")
    asked = words.parse_args()
    image = asked.image.read_bytes()[: asked.sectors * SECTOR_BYTES]
    for record in records(image):
        sys.stdout.write(json.dumps(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
