"""Write the configuration that goes into a device's flash; registers the device over HTTP where
`manage.py device provision --json` has not. Nothing secret passes through here but Wi-Fi's.
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
IDENTITY = {"external_id": "external_id", "kid": "key_id"} | {
    name: name for name in ("client_id", "tenant_id")
}


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
    return identity(issued | {"external_id": external_id})


def identity(told: dict[str, Any]) -> dict[str, str]:
    """What the device needs of the platform's answer, or of the command's."""
    missing = [name for name in IDENTITY if not told.get(name)]
    if missing:
        raise SystemExit(f"the identity lacks {', '.join(missing)}")
    return {ours: told[theirs] for theirs, ours in IDENTITY.items()}


def words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="provision")
    parser.add_argument("--server", required=True, help="https://…")
    parser.add_argument(
        "--identity", type=Path, help="what `manage.py device provision --json` printed"
    )
    parser.add_argument("--token-file", type=Path, help="or: an admin's bearer token, and")
    parser.add_argument("--external-id", help="the device's own name, and")
    parser.add_argument("--public-key", type=Path, help="PEM, from the device")
    parser.add_argument("--time-zone", default="")
    parser.add_argument("--wifi-name", default="")
    parser.add_argument("--wifi-secret-file", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the sector's image")
    return parser


def known(asked: argparse.Namespace) -> dict[str, str]:
    """The device's identity: as the command told it, or registered now."""
    if asked.identity:
        return identity(json.loads(asked.identity.read_text()))
    if not (asked.token_file and asked.external_id and asked.public_key):
        raise SystemExit("--identity, or all of --token-file, --external-id, --public-key")
    token, pem = asked.token_file.read_text().strip(), asked.public_key.read_text()
    return provisioned(asked.server, token, asked.external_id, pem)


def main(arguments: list[str] | None = None) -> int:
    asked = words().parse_args(arguments)
    secret = asked.wifi_secret_file.read_text().strip() if asked.wifi_secret_file else ""
    wifi = {"time_zone": asked.time_zone, "wifi_name": asked.wifi_name, "wifi_secret": secret}
    fields = known(asked) | {"server_url": asked.server} | wifi
    asked.out.write_bytes(sector(packed(fields)))
    sys.stdout.write(f"{fields['external_id']}: key {fields['key_id']}, image {asked.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
