"""docker-compose.yml: pinned images, settings that exist, and the hardening that we promise."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from noctis import environment
from noctis.schedules import SCHEDULES
from tests.deploy import dockerfile
from tests.source_tree import REPOSITORY

TEXT = (REPOSITORY / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("noctis:")]
THEIRS = [name for name in SERVICES if name not in OURS]
SETTINGS = {setting.name for setting in environment.SETTINGS}
# What compose itself needs besides.
OF_COMPOSE = {"POSTGRES_PASSWORD", "NOCTIS_VERSION", "NOCTIS_PORT", "HOSTNAME"}
DRAWN = {
    "POSTGRES_PASSWORD": "p4ssw0rd",
    "SECRET_KEY": "s" * 50,
    "ENCRYPTION_KEYS": "k" * 43 + "=",
    "ALLOWED_HOSTS": "noctis.example",
}


def test_it_has_the_servers_and_each_of_our_programs() -> None:
    assert set(OURS) == {"migrate", "web", "worker", "beat"}
    assert set(THEIRS) == {"timescaledb", "valkey"}


@pytest.mark.parametrize("name", THEIRS)
def test_images_of_others_are_pinned_to_a_release(name: str) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z]+:\d+\.\d+\.\d+-[a-z0-9]+", SERVICES[name]["image"])


def test_the_database_is_of_the_major_version_that_is_embedded() -> None:
    assert SERVICES["timescaledb"]["image"].endswith("-pg18")
    assert SERVICES["timescaledb"]["volumes"] == ["database:/var/lib/postgresql"]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_that_is_set_is_a_setting(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= SETTINGS


def test_every_variable_that_is_read_is_a_setting_or_compose_own() -> None:
    read = set(re.findall(r"\$\{?([A-Z_]+)", TEXT))

    assert read <= SETTINGS | OF_COMPOSE


@pytest.mark.parametrize("name", OURS)
def test_each_of_our_programs_is_shut_in(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["NOCTIS_ENV"] == "production"
    assert not {"privileged", "user", "pid", "network_mode"} & set(service)


def test_only_the_web_server_is_reached_and_only_from_this_host() -> None:
    published = {name: row["ports"] for name, row in SERVICES.items() if "ports" in row}
    reaching_out = [name for name, row in SERVICES.items() if "outside" in row["networks"]]

    assert published == {"web": ["127.0.0.1:${NOCTIS_PORT:-8000}:8000"]}
    assert reaching_out == ["web"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_nothing_serves_before_the_schema_is_there() -> None:
    waiting = {name: SERVICES[name]["depends_on"] for name in ("web", "worker", "beat")}

    assert SERVICES["migrate"]["restart"] == "no"
    assert {row["migrate"]["condition"] for row in waiting.values()} == {
        "service_completed_successfully"
    }


def test_our_folders_are_those_of_the_image() -> None:
    image = dockerfile.stages((REPOSITORY / "Dockerfile").read_text())[-1].environment()
    ours = SERVICES["web"]["environment"]
    mounted = {volume.partition(":")[2] for volume in SERVICES["web"]["volumes"]}
    folders = ("BACKUP_DIR", "MODELS_DIR", "PROMETHEUS_MULTIPROC_DIR", "NOCTIS_VAR_DIR")

    assert {name: ours[name] for name in folders} == {name: image[name] for name in folders}
    assert mounted == {ours[name] for name in folders[:3]}


def test_a_worker_takes_every_queue_that_a_schedule_uses() -> None:
    queues = {row.get("options", {}).get("queue", "celery") for row in SCHEDULES.values()}

    assert queues == {"celery"}
    assert not any(word.startswith(("-Q", "--queues")) for word in SERVICES["worker"]["command"])


# As the client reads it.


def config(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    program = _client()
    shutil.copy(REPOSITORY / "docker-compose.yml", folder)
    shutil.copy(REPOSITORY / ".env.example", folder / ".env")
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    words = [*program, "config", "--format", "json"]
    return subprocess.run(
        words, cwd=folder, env=inherited | variables, capture_output=True, text=True, timeout=60
    )


def _client() -> list[str]:
    for program in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(program[0]):
            asked = subprocess.run([*program, "version"], capture_output=True, timeout=60)
            if asked.returncode == 0:
                return program
    pytest.skip("no docker compose here that could check its own format")


def test_the_client_reads_it_with_the_example_of_settings(tmp_path: Path) -> None:
    read = config(tmp_path, **DRAWN)

    assert read.returncode == 0, read.stderr
    services = yaml.safe_load(read.stdout)["services"]
    shown = services["web"]["environment"]
    assert shown["NOCTIS_ENV"] == "production"
    assert shown["DATABASE_URL"] == "postgresql://noctis:p4ssw0rd@timescaledb:5432/noctis"
    assert set(shown) <= SETTINGS


@pytest.mark.parametrize("missing", DRAWN)
def test_what_must_be_drawn_is_asked_for_by_name(missing: str, tmp_path: Path) -> None:
    read = config(tmp_path, **{name: text for name, text in DRAWN.items() if name != missing})

    assert read.returncode != 0
    assert missing in read.stderr
