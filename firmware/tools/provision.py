"""Register a device with the platform and write the configuration that goes into its flash.

The device makes its key and shows the public half; nothing secret passes through here but Wi-Fi's.
"""

import argparse
import json
import struct
import sys
import urllib.request
from pathlib import Path
from typing import Any

FORMAT = 1
URL_BYTES, NAME_BYTES, SECRET_BYTES = 128, 40, 64
COPY_MAGIC, HEAD_BYTES, PAGE_BYTES = 0x3130434E, 16, 256
DEADLINE_S = 20


def crc32c(data: bytes, crc: int = 0) -> int:
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def text(value: str, size: int) -> bytes:
    raw = value.encode()
    if len(raw) >= size:
        raise SystemExit(f"{value!r} is longer than {size - 1} bytes")
    return raw.ljust(size, b"\0")


def packed(fields: dict[str, str]) -> bytes:
    """`device_config` of the core, as it stands in memory and in flash."""
    names = ("external_id", "key_id", "client_id", "tenant_id", "time_zone", "wifi_name")
    return b"".join(
        [
            struct.pack("<I", FORMAT),
            text(fields["server_url"], URL_BYTES),
            *(text(fields.get(name, ""), NAME_BYTES) for name in names),
            text(fields.get("wifi_secret", ""), SECRET_BYTES),
        ]
    )


def sector(config: bytes, version: int = 1) -> bytes:
    """One of the two copies: a checked head, and the bytes a page further on."""
    head = struct.pack("<III", COPY_MAGIC, version, len(config))
    head += struct.pack("<I", crc32c(config, crc32c(head)))
    return head.ljust(PAGE_BYTES, b"\xff") + config


def call(server: str, path: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the operator names the server
        server + path,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310 - as above
        told: dict[str, Any] = json.load(answer)
        return told


def provisioned(server: str, token: str, external_id: str, public_key: str) -> dict[str, str]:
    """Register the device and bind its public key to it; answers its identity."""
    facts = {"name": external_id, "external_id": external_id}
    device = call(server, "/v1/devices", token, facts)
    wanted = {"algorithm": "ES256", "public_key": public_key}
    issued = call(server, f"/v1/devices/{device['id']}/credentials", token, wanted)
    return {
        "server_url": server,
        "external_id": external_id,
        "key_id": issued["kid"],
        "client_id": issued["client_id"],
        "tenant_id": issued["tenant_id"],
    }


def main() -> int:
    words = argparse.ArgumentParser(prog="provision")
    words.add_argument("--server", required=True, help="https://…")
    words.add_argument("--token-file", type=Path, required=True, help="an admin's bearer token")
    words.add_argument("--external-id", required=True)
    words.add_argument("--public-key", type=Path, required=True, help="PEM, from the device")
    words.add_argument("--time-zone", default="")
    words.add_argument("--wifi-name", default="")
    words.add_argument("--wifi-secret-file", type=Path)
    words.add_argument("--out", type=Path, required=True, help="the sector's image")
    asked = words.parse_args()
    token = asked.token_file.read_text().strip()
    fields = provisioned(asked.server, token, asked.external_id, asked.public_key.read_text())
    secret = asked.wifi_secret_file.read_text().strip() if asked.wifi_secret_file else ""
    fields |= {"time_zone": asked.time_zone, "wifi_name": asked.wifi_name, "wifi_secret": secret}
    asked.out.write_bytes(sector(packed(fields)))
    sys.stdout.write(f"{asked.external_id}: key {fields['key_id']}, image {asked.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
