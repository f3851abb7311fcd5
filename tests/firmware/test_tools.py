"""The device's tools make what the core reads, and read what the core makes."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.contract import core

pytestmark = pytest.mark.skipif(core.COMPILER is None, reason="no C compiler")
FIELDS = {
    "server_url": "https://noctis.example",
    "external_id": "NB-0042",
    "key_id": "k-1",
    "client_id": "c",
    "tenant_id": "t",
    "time_zone": "Europe/Berlin",
    "wifi_name": "ward 3",
    "wifi_secret": "moth-lantern-orbit",
}
IMAGE = bytes(range(256)) * 9


def tool(name: str) -> ModuleType:
    path = core.FIRMWARE / f"tools/{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def manifest(key: ec.EllipticCurvePrivateKey) -> bytes:
    sign_ota = tool("sign_ota")
    release = sign_ota.Release("noctis-bedside", (1, 2), 9, 3, "release1")
    made: bytes = sign_ota.signed(sign_ota.unsigned(release, IMAGE), key)
    return made


@pytest.fixture(scope="module")
def checked(manifest: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the core has read what the tools made, and written a log of its own."""
    folder = tmp_path_factory.mktemp("tools")
    provision = tool("provision")
    (folder / "sector.bin").write_bytes(provision.sector(provision.packed(FIELDS)))
    (folder / "manifest.bin").write_bytes(manifest)
    program = core.built(folder / "check", core.FIRMWARE / "tests/tools/tool_check.c")
    told = subprocess.run([program, folder], capture_output=True, text=True, check=True).stdout
    (folder / "told.json").write_text(told)
    return folder


def test_a_provisioned_sector_is_a_configuration_that_the_core_accepts(checked: Path) -> None:
    told = json.loads((checked / "told.json").read_text())

    assert told["config"] == 0
    assert told["external_id"] == FIELDS["external_id"]
    assert told["key_id"] == FIELDS["key_id"]
    assert told["wifi"] == FIELDS["wifi_secret"]


def test_what_the_command_prints_becomes_a_sector(tmp_path: Path) -> None:
    told = {"external_id": "NB-0042", "kid": "k-1", "client_id": "c", "tenant_id": "t"}
    (tmp_path / "told.json").write_text(json.dumps(told | {"device": "bed 12"}))
    where = ("--identity", str(tmp_path / "told.json"), "--out", str(tmp_path / "sector.bin"))

    tool("provision").main(["--server", "https://noctis.example", *where])

    written = (tmp_path / "sector.bin").read_bytes()
    provision = tool("provision")
    without = FIELDS | {"time_zone": "", "wifi_name": "", "wifi_secret": ""}
    assert written == provision.sector(provision.packed(without))


@pytest.mark.parametrize(
    ("words", "said"), [((), "--identity, or all"), (("--identity", "told"), "lacks kid")]
)
def test_an_identity_that_is_not_whole_is_refused(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("told").write_text('{"external_id": "NB-0042", "client_id": "c", "tenant_id": "t"}')

    with pytest.raises(SystemExit, match=said):
        tool("provision").main(["--server", "https://x", "--out", "sector.bin", *words])

    assert not Path("sector.bin").exists()


def test_a_name_that_is_too_long_is_refused_not_cut() -> None:
    with pytest.raises(SystemExit, match="longer"):
        tool("provision").packed(FIELDS | {"external_id": "x" * 40})


def test_a_signed_manifest_is_accepted_by_the_core(checked: Path, manifest: bytes) -> None:
    told = json.loads((checked / "told.json").read_text())

    assert told["manifest"] == 0
    assert (told["version"], told["size"]) == (9, len(IMAGE))
    assert told["signed"] == hashlib.sha256(manifest[:128]).hexdigest()


def test_a_manifests_signature_holds_over_its_first_128_bytes(
    manifest: bytes, key: ec.EllipticCurvePrivateKey
) -> None:
    r, s = (int.from_bytes(part, "big") for part in (manifest[128:160], manifest[160:]))

    key.public_key().verify(encode_dss_signature(r, s), manifest[:128], ec.ECDSA(hashes.SHA256()))

    assert len(manifest) == 192


def test_a_dump_shows_every_record_that_the_core_wrote(checked: Path) -> None:
    found = list(tool("flash_dump").records((checked / "flash.bin").read_bytes()))

    epochs = [record for record in found if record["kind"] == "epoch"]
    assert [record["index"] for record in epochs] == list(range(100))
    assert epochs[7]["features"][0] == 7.0
    assert epochs[7]["features"][3] is None
    assert [record["kind"] for record in found if record["kind"] != "epoch"] == ["cursor"]
