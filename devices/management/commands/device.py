"""`manage.py device`: a bedside box is registered and given a key that is bound to it alone."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devices import services
from devices.models import Device
from devices.services import Box
from noctis import errors
from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor, tenant_called
from tenants.services.clients import KeyRequest

# A shared secret would have to be printed, and to be kept by both ends.
PUBLIC_ONLY = ("ES256", "EdDSA", "RS256")


class Command(VerbCommand):
    help = "Devices and the keys with which they send their nights."
    verbs = {
        "provision": "register a device where it is not known, and give it a key of its own",
        "list": "show a tenant's devices and the keys bound to them",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="the tenant's slug")
        if verb == "list":
            return
        parser.add_argument("external_id", help="the device's own name, such as NB-0042")
        parser.add_argument("--name", default="", help="for people; the external id if not given")
        parser.add_argument("--model", default="")
        parser.add_argument(
            "--public-key",
            type=Path,
            required=True,
            help="PEM, as the device shows it; the private half never leaves the device",
        )
        parser.add_argument("--algorithm", choices=PUBLIC_ONLY, default="ES256")

    def provision(self, options: Mapping[str, Any]) -> Row:
        box = Box(options["external_id"], options["name"], options["model"])
        device, issued = services.provision_device(
            tenant=tenant_called(options["tenant"]),
            box=box,
            request=_key_request(options),
            actor=shell_actor(),
        )
        return {
            "device": device.name,
            "external_id": device.external_id,
            "device_id": str(device.uuid),
            "client_id": str(issued.key.client.uuid),
            "tenant_id": str(device.tenant.uuid),
            "kid": issued.key.kid,
            "algorithm": issued.key.algorithm,
        }

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        tenant = tenant_called(options["tenant"])
        keys = services.keys_by_device(tenant)
        return [
            {
                "device": device.name,
                "external_id": device.external_id,
                "id": str(device.uuid),
                "status": device.status,
                "last_seen_at": device.last_seen_at,
                "keys": ", ".join(f"{key.kid} {key.state}" for key in keys.get(device.uuid, [])),
            }
            for device in Device.objects.owned_by(tenant)
        ]


def _key_request(options: Mapping[str, Any]) -> KeyRequest:
    path: Path = options["public_key"]
    try:
        return KeyRequest(options["algorithm"], path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"cannot read {path}: {error}") from None
