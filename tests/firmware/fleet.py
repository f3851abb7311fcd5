"""Devices with keys of their own, as an operator provisions them. Runs in a process of its own."""

import sys
from pathlib import Path

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

django.setup()

from devices.services import issue_credential, register_device  # noqa: E402 - after setup
from tenants.models import AuditEntry, Tenant  # noqa: E402 - after setup
from tenants.roles import Role  # noqa: E402 - after setup
from tenants.services import clients  # noqa: E402 - after setup
from tenants.services.audit import Actor  # noqa: E402 - after setup
from tenants.services.clients import KeyRequest  # noqa: E402 - after setup

ACTOR = Actor("fleet", AuditEntry.Channel.COMMAND)


def new_key(path: Path) -> str:
    """Write a P-256 private key, and answer its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, none))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()


def identity(tenant: Tenant, number: int, folder: Path) -> str:
    """A registered device's line for the simulator; its key is bound to it alone."""
    name, path = f"SIM-{number:05}", folder / f"{number}.pem"
    device = register_device(tenant=tenant, facts={"name": name, "external_id": name}, actor=ACTOR)
    request = KeyRequest("ES256", new_key(path))
    client, issued = issue_credential(device=device, request=request, actor=ACTOR)
    return f"{name} {issued.key.kid} {client.uuid} {tenant.uuid} {path}\n"


def reader(tenant: Tenant, folder: Path) -> str:
    """Who reads back what devices wrote, and sends the true stages."""
    path = folder / "reader.pem"
    request = KeyRequest("ES256", new_key(path))
    client, issued = clients.create_client(
        tenant=tenant, name="reader", role=Role.REVIEWER, actor=ACTOR, request=request
    )
    return f"reader {issued.key.kid} {client.uuid} {tenant.uuid} {path}\n"


def main(folder: Path, count: int) -> None:
    tenant = Tenant.objects.get()
    lines = [reader(tenant, folder)]
    lines += [identity(tenant, number, folder) for number in range(count)]
    (folder / "identities").write_text("".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
